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
        new DisturbedCommunicator(_inner.Open(spec), this, isCourier: spec.Purpose == CommunicatorPurpose.ShardCopy);

    /// <summary>The next time that this rank calls the data plane, after <paramref name="calls"/> calls, it throws.</summary>
    public void FailAt(int rank, int calls, Exception cause) => _next = new Disturbance(rank, calls, cause, OfCouriers: null);

    /// <summary>As <see cref="FailAt"/>, when it copies shards beside a step.</summary>
    public void FailCourierAt(int rank, int calls, Exception cause) => _next = new Disturbance(rank, calls, cause, OfCouriers: true);

    /// <summary>The next time that this rank calls the data plane, after <paramref name="calls"/> calls, it waits for <see cref="Release"/>.</summary>
    /// <returns>Ends when it waits.</returns>
    public Task HoldAt(int rank, int calls)
    {
        var hold = new Disturbance(rank, calls, Cause: null, OfCouriers: false);
        _next = hold;
        return Deadline.WithinAsync(hold.Reached.Task, $"rank {rank} calls the data plane after {calls} other calls");
    }

    /// <summary>Lets the waiting rank go on.</summary>
    public void Release()
    {
        _next?.Released.Set();
        _next = null;
    }

    public void Pass(int rank, bool isCourier)
    {
        if (_next is not { } disturbance || disturbance.Rank != rank || (disturbance.OfCouriers ?? isCourier) != isCourier
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

    private sealed record Disturbance(int Rank, int Calls, Exception? Cause, bool? OfCouriers)
    {
        public int Left = Calls;

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim Released { get; } = new();
    }
}
