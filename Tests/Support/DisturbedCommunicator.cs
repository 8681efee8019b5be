using MoEActors.Native.Communication;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Support;

/// <summary>A rank of <see cref="DisturbedCommunicators"/>.</summary>
internal sealed class DisturbedCommunicator(ICommunicator inner, DisturbedCommunicators owner, CommunicatorPurpose purpose) : ICommunicator
{
    public int Rank => inner.Rank;

    public int Size => inner.Size;

    public void AllToAll<T>(DeviceSpan<T> send, ReadOnlySpan<Segment> sendSegments, DeviceSpan<T> receive, ReadOnlySpan<Segment> receiveSegments)
        where T : unmanaged
    {
        owner.Pass(Rank, purpose);
        inner.AllToAll(send, sendSegments, receive, receiveSegments);
    }

    public void AllGather<T>(DeviceSpan<T> mine, DeviceSpan<T> all)
        where T : unmanaged
    {
        owner.Pass(Rank, purpose);
        inner.AllGather(mine, all);
    }

    public void ReduceScatterInRankOrder(DeviceSpan<float> part, bool contributes, DeviceSpan<float> sum)
    {
        owner.Pass(Rank, purpose);
        inner.ReduceScatterInRankOrder(part, contributes, sum);
    }

    public void AllGatherOwned(DeviceSpan<float> sum)
    {
        owner.Pass(Rank, purpose);
        inner.AllGatherOwned(sum);
    }

    public void Broadcast<T>(DeviceSpan<T> span, int root)
        where T : unmanaged
    {
        owner.Pass(Rank, purpose);
        inner.Broadcast(span, root);
    }

    public void Abort(Exception cause) => inner.Abort(cause);

    public void Dispose() => inner.Dispose();
}
