using System.Runtime.CompilerServices;
using MoEActors.Native.Communication;
using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>
/// A rank on a GPU for tests whose memory is the host's: what a call reads and writes goes to the device before it, and comes back behind it. A call therefore ends
/// when everything of it has been done, not when it is queued.
/// </summary>
internal sealed class DeviceRank(NcclCommunicator inner, CudaDevice device) : ICommunicator
{
    private readonly DeviceBuffer?[] _buffers = new DeviceBuffer?[2];

    public int Rank => inner.Rank;

    public int Size => inner.Size;

    public bool IsConnected => inner.IsConnected;

    public void AllToAll<T>(DeviceSpan<T> send, ReadOnlySpan<Segment> sendSegments, DeviceSpan<T> receive, ReadOnlySpan<Segment> receiveSegments)
        where T : unmanaged
    {
        DeviceSpan<T> from = Upload(0, send), to = Upload(1, receive);
        inner.AllToAll(from, sendSegments, to, receiveSegments);
        Download(to, receive);
    }

    public void AllGather<T>(DeviceSpan<T> mine, DeviceSpan<T> all)
        where T : unmanaged
    {
        DeviceSpan<T> to = Upload(1, all);
        long offset = (mine.Address - all.Address) / Unsafe.SizeOf<T>();
        inner.AllGather(offset >= 0 && offset + mine.Length <= all.Length ? to.Slice(offset, mine.Length) : Upload(0, mine), to);
        Download(to, all);
    }

    public void ReduceScatterInRankOrder(DeviceSpan<float> part, bool contributes, DeviceSpan<float> sum)
    {
        DeviceSpan<float> from = Upload(0, part), to = Upload(1, sum);
        inner.ReduceScatterInRankOrder(from, contributes, to);
        Download(to, sum);
    }

    public void AllGatherOwned(DeviceSpan<float> sum)
    {
        DeviceSpan<float> to = Upload(1, sum);
        inner.AllGatherOwned(to);
        Download(to, sum);
    }

    public void Broadcast<T>(DeviceSpan<T> span, int root)
        where T : unmanaged
    {
        DeviceSpan<T> to = Upload(1, span);
        inner.Broadcast(to, root);
        Download(to, span);
    }

    public void Abort(Exception cause) => inner.Abort(cause);

    public void Dispose() => inner.Dispose();

    /// <summary>Gives the device back, when nobody calls any more.</summary>
    public void Close()
    {
        foreach (DeviceBuffer? buffer in _buffers)
        {
            buffer?.Dispose();
        }

        device.Dispose();
    }

    private DeviceSpan<T> Upload<T>(int buffer, DeviceSpan<T> elements)
        where T : unmanaged
    {
        long bytes = (long)elements.Length * Unsafe.SizeOf<T>();
        if (bytes > (_buffers[buffer]?.Bytes ?? 0))
        {
            _buffers[buffer]?.Dispose();
            _buffers[buffer] = device.Allocate(bytes);
        }

        if (bytes == 0)
        {
            return DeviceSpan<T>.Empty;
        }

        DeviceSpan<T> there = _buffers[buffer]!.As<T>().Slice(0, elements.Length);
        device.Write<T>(elements.AsSpan(), there);
        return there;
    }

    private void Download<T>(DeviceSpan<T> there, DeviceSpan<T> elements)
        where T : unmanaged => device.Read(there, elements.AsSpan());
}
