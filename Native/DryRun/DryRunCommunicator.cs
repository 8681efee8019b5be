using MoEActors.Native.Communication;
using MoEActors.Native.Memory;

namespace MoEActors.Native.DryRun;

/// <summary>
/// A communicator whose group has no other ranks: they are assumed to do what this one does. Nothing is transferred. Gathered integers are this
/// rank's own and, for each other rank, an equal part of what makes the total <c>size · skew</c> times this rank's own, within <c>most</c>.
/// </summary>
/// <param name="device">The rank's device.</param>
/// <param name="rank">The rank.</param>
/// <param name="size">Number of ranks.</param>
/// <param name="skew">Rows that come to this rank over its equal share; 1 for level routing.</param>
/// <param name="most">The most rows that one rank can send to one expert.</param>
public sealed class DryRunCommunicator(DryRunDevice device, int rank, int size, double skew = 1, int most = int.MaxValue) : ICommunicator
{
    private int[] _mine = [];
    private int[] _all = [];

    /// <inheritdoc />
    public int Rank => rank;

    /// <inheritdoc />
    public int Size => size;

    /// <inheritdoc />
    public void AllGather<T>(DeviceSpan<T> mine, DeviceSpan<T> all)
        where T : unmanaged
    {
        if (typeof(T) != typeof(int))
        {
            return;
        }

        if (_mine.Length != mine.Length)
        {
            _mine = new int[mine.Length];
            _all = new int[all.Length];
        }

        device.Read(new DeviceSpan<int>(mine.Address, mine.Length), _mine);
        for (int i = 0; i < _all.Length; i++)
        {
            int own = _mine[i % _mine.Length];
            double total = size * Math.Min(most, own * skew);
            _all[i] = i / _mine.Length == rank ? own : (int)Math.Ceiling((total - own) / (size - 1));
        }

        device.Write<int>(_all, new DeviceSpan<int>(all.Address, all.Length));
    }

    /// <inheritdoc />
    public void AllToAll<T>(
        DeviceSpan<T> send, ReadOnlySpan<Segment> sendSegments, DeviceSpan<T> receive, ReadOnlySpan<Segment> receiveSegments)
        where T : unmanaged
    { }

    /// <inheritdoc />
    public void ReduceScatterInRankOrder(DeviceSpan<float> part, bool contributes, DeviceSpan<float> sum) { }

    /// <inheritdoc />
    public void AllGatherOwned(DeviceSpan<float> sum) { }

    /// <inheritdoc />
    public void Broadcast<T>(DeviceSpan<T> span, int root)
        where T : unmanaged
    { }

    /// <inheritdoc />
    public void Abort(Exception cause) { }

    /// <inheritdoc />
    public void Dispose() { }
}

/// <summary>Opens communicators without other ranks, see <see cref="DryRunCommunicator"/>.</summary>
/// <param name="device">The rank's device.</param>
/// <param name="skew">Rows that come to this rank over its equal share; 1 for level routing.</param>
/// <param name="most">The most rows that one rank can send to one expert.</param>
public sealed class DryRunCommunicators(DryRunDevice device, double skew = 1, int most = int.MaxValue) : ICommunicatorProvider
{
    /// <inheritdoc />
    public ICommunicator Open(CommunicatorSpec spec) => new DryRunCommunicator(device, spec.Rank, spec.Size, skew, most);
}
