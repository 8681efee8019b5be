using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;

namespace MoEActors.Tests.Support;

/// <summary>The in-process data plane, with a place where a test waits for a worker, makes it wait, or makes it fail.</summary>
internal sealed class DisturbedCommunicators : ICommunicatorProvider
{
    private readonly InProcessCommunicatorProvider _inner = new();
    private volatile Disturbance? _next;

    public int OpenGroups => _inner.OpenGroups;

    public ICommunicator Open(CommunicatorSpec spec) =>
        new DisturbedCommunicator(_inner.Open(spec), this, spec.Purpose);

    /// <summary>The next time that this rank calls the data plane, after <paramref name="calls"/> calls, it throws.</summary>
    public void FailAt(int rank, int calls, Exception cause) => _next = new Disturbance(rank, calls, cause, Of: null);

    /// <summary>As <see cref="FailAt"/>, when it copies shards beside a step.</summary>
    public void FailCourierAt(int rank, int calls, Exception cause) => _next = new Disturbance(rank, calls, cause, CommunicatorPurpose.ShardCopy);

    /// <summary>As <see cref="FailAt"/>, when it sends or receives copies of a snapshot.</summary>
    public void FailSnapshotAt(int rank, int calls, Exception cause) => _next = new Disturbance(rank, calls, cause, CommunicatorPurpose.SnapshotCopy);

    /// <summary>The next time that this rank calls the data plane, after <paramref name="calls"/> calls, it waits for <see cref="Release"/>.</summary>
    /// <returns>Ends when it waits.</returns>
    public Task HoldAt(int rank, int calls) => HoldAt(rank, calls, CommunicatorPurpose.StepProgram);

    /// <summary>As <see cref="HoldAt(int, int)"/>, when it sends or receives copies of a snapshot.</summary>
    public Task HoldSnapshotAt(int rank, int calls) => HoldAt(rank, calls, CommunicatorPurpose.SnapshotCopy);

    private Task HoldAt(int rank, int calls, CommunicatorPurpose of)
    {
        var hold = new Disturbance(rank, calls, Cause: null, of);
        _next = hold;
        return Deadline.WithinAsync(hold.Reached.Task, $"rank {rank} calls the data plane after {calls} other calls");
    }

    /// <summary>Lets the waiting rank go on.</summary>
    public void Release()
    {
        _next?.Released.Set();
        _next = null;
    }

    public void Pass(int rank, CommunicatorPurpose purpose)
    {
        // Snapshots come whenever they do: only who asks for them disturbs them.
        if (_next is not { } disturbance || disturbance.Rank != rank
            || (disturbance.Of is { } of ? of != purpose : purpose == CommunicatorPurpose.SnapshotCopy)
            || Interlocked.Decrement(ref disturbance.Left) >= 0)
        {
            return;
        }

        if (disturbance.Cause is not null)
        {
            _next = null;
            throw disturbance.Cause;
        }

        disturbance.Reached.TrySetResult();
        disturbance.Released.Wait(Deadline.Patience);
    }

    private sealed record Disturbance(int Rank, int Calls, Exception? Cause, CommunicatorPurpose? Of)
    {
        public int Left = Calls;

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim Released { get; } = new();
    }
}
