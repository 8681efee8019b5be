using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Communication;

/// <summary>A group and all of its communicators, disposed together.</summary>
internal sealed class InProcessGroup(int size, TimeSpan? deadline = null, TimeProvider? time = null) : IDisposable
{
    private readonly InProcessCommunicatorGroup _group = new(size, deadline, time);
    private ICommunicator[]? _ranks;

    public ICommunicator[] Ranks => _ranks ??= [.. Enumerable.Range(0, size).Select(_group.Open)];

    public void Dispose()
    {
        foreach (ICommunicator rank in Ranks)
        {
            rank.Dispose();
        }

        _group.Dispose();
    }
}

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

/// <summary>Host memory that stays where it is, so that a test can hold it as an array and a rank as a span.</summary>
internal sealed unsafe class PinnedMemory<T>
    where T : unmanaged
{
    public PinnedMemory(int length, Func<int, T>? value = null)
    {
        Elements = GC.AllocateArray<T>(length, pinned: true);
        for (int i = 0; i < length; i++)
        {
            Elements[i] = value is null ? default : value(i);
        }
    }

    public T[] Elements { get; }

    public DeviceSpan<T> Span => new((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(Elements)), Elements.Length);
}
