using MoEActors.Native.Communication;

namespace MoEActors.Tests.Native.Communication;

/// <summary>Runs the ranks of a group on threads of their own and waits for all of them, with a deadline that explains itself.</summary>
internal static class RankThreads
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Runs <paramref name="body"/> on every rank; returns what each ended with, null where nothing was thrown.</summary>
    public static Exception?[] Run(IReadOnlyList<ICommunicator> ranks, Action<ICommunicator> body)
    {
        var failures = new Exception?[ranks.Count];
        Thread[] threads = [.. ranks.Select((communicator, i) => Start(communicator, body, failure => failures[i] = failure))];
        for (int i = 0; i < threads.Length; i++)
        {
            Assert.True(threads[i].Join(Patience), $"Rank {ranks[i].Rank} of {ranks.Count} still hangs after {Patience.TotalSeconds} s.");
        }

        return failures;
    }

    /// <summary>Runs <paramref name="body"/> on every rank of a new group and expects no failure.</summary>
    public static void RunAll(int size, Action<ICommunicator> body)
    {
        using InProcessGroup group = new(size);
        Assert.All(Run(group.Ranks, body), failure => Assert.Null(failure));
    }

    private static Thread Start(ICommunicator communicator, Action<ICommunicator> body, Action<Exception> failed)
    {
        Thread thread = new(() =>
        {
            try
            {
                body(communicator);
            }
            catch (Exception e)
            {
                failed(e);
            }
        })
        {
            IsBackground = true,
            Name = $"rank {communicator.Rank}",
        };
        thread.Start();
        return thread;
    }
}
