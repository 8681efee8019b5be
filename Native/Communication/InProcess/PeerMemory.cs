using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>How a rank reads the memory of the other ranks of its process. Called on the rank's thread, within a collective operation.</summary>
internal interface IPeerMemory
{
    /// <summary>Makes what this rank gives complete: from now on the others may read it.</summary>
    /// <returns>Why it could not; null if it could.</returns>
    Exception? Publish();

    /// <summary>The rank's device, by which the others reach its memory; null where the processor addresses it.</summary>
    IDevice? Device { get; }

    /// <summary>Copies another rank's elements. Source and destination may be the same memory, when a rank gathers or sends to itself in place.</summary>
    /// <param name="owner">The other rank's device.</param>
    /// <param name="source">Where its elements are.</param>
    /// <param name="destination">Memory of this rank.</param>
    void Copy<T>(IDevice? owner, nint source, DeviceSpan<T> destination)
        where T : unmanaged;

    /// <summary>Adds other ranks' elements to a sum, in the order of the parts and one rounded addition each.</summary>
    /// <param name="sum">Memory of this rank.</param>
    /// <param name="owners">The device of each part.</param>
    /// <param name="parts">Where they are.</param>
    void Add(DeviceSpan<float> sum, ReadOnlySpan<IDevice?> owners, ReadOnlySpan<nint> parts);

    /// <summary>Waits until everything copied and added is there: from now on the others may write to what was read.</summary>
    /// <returns>Why something is not, of this operation; null if everything is.</returns>
    Exception? Complete();
}

/// <summary>Memory that the processor addresses.</summary>
internal sealed unsafe class HostPeerMemory : IPeerMemory
{
    /// <summary>It has no state.</summary>
    public static HostPeerMemory Instance { get; } = new();

    public IDevice? Device => null;

    public Exception? Publish() => null;

    public void Copy<T>(IDevice? owner, nint source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (source != destination.Address)
        {
            new ReadOnlySpan<T>((void*)source, destination.Length).CopyTo(destination.AsSpan());
        }
    }

    public void Add(DeviceSpan<float> sum, ReadOnlySpan<IDevice?> owners, ReadOnlySpan<nint> parts) => OrderedSum.Add(sum, parts);

    public Exception? Complete() => null;
}

/// <summary>
/// Memory of a device that the processor cannot address: copies and sums are queued on the rank's own device, which reaches the memory of the others on the
/// same GPU or another. What a rank gives must be there before the others copy on streams of their own.
/// </summary>
internal sealed class DevicePeerMemory(IDevice device) : IPeerMemory
{
    private Exception? _failure;

    public IDevice? Device => device;

    public Exception? Publish() => Wait();

    public void Copy<T>(IDevice? owner, nint source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (source != destination.Address)
        {
            Queue(owner, source, destination, static (device, owner, from, to) => device.CopyFrom(owner, from, to));
        }
    }

    public void Add(DeviceSpan<float> sum, ReadOnlySpan<IDevice?> owners, ReadOnlySpan<nint> parts)
    {
        for (int i = 0; i < parts.Length; i++)
        {
            Queue(owners[i], parts[i], sum, static (device, owner, from, to) => device.AddFrom(owner, from, to));
        }
    }

    public Exception? Complete() => Wait();

    /// <summary>Remembers a failure until the operation ends: a rank that left in the middle of it would leave the others waiting.</summary>
    private void Queue<T>(IDevice? owner, nint source, DeviceSpan<T> target, Action<IDevice, IDevice, DeviceSpan<T>, DeviceSpan<T>> work)
        where T : unmanaged
    {
        try
        {
            work(device, owner ?? device, new DeviceSpan<T>(source, target.LongLength), target);
        }
        catch (Exception e)
        {
            _failure ??= e;
        }
    }

    private Exception? Wait()
    {
        try
        {
            device.Synchronize();
        }
        catch (Exception e)
        {
            _failure ??= e;
        }

        return _failure;
    }
}
