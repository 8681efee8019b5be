using System.Runtime.ExceptionServices;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;

namespace MoEActors.Tests.Support;

/// <summary>Runs the same program on some ranks, each on a thread of its own.</summary>
internal static class WorkerGroup
{
    public static T[] Run<T>(int workers, Func<ICommunicator, T> program)
    {
        using var group = new InProcessCommunicatorGroup(workers, TimeSpan.FromSeconds(30));
        var results = new T[workers];
        var failures = new Exception?[workers];
        Thread[] threads =
        [
            .. Enumerable.Range(0, workers).Select(rank => new Thread(() =>
            {
                ICommunicator communicator = group.Open(rank);
                try
                {
                    results[rank] = program(communicator);
                }
                catch (Exception e)
                {
                    failures[rank] = e;
                    communicator.Abort(e);
                }
            })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Exception? failure = failures.FirstOrDefault(found => found is not null and not CommunicatorException)
            ?? failures.FirstOrDefault(found => found is not null);
        if (failure is not null)
        {
            ExceptionDispatchInfo.Capture(failure).Throw();
        }

        return results;
    }
}
