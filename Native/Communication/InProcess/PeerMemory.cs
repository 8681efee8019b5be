using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>How a rank reads the memory of the other ranks of its process. Called on the rank's thread, within a collective operation.</summary>
internal interface IPeerMemory
{
    /// <summary>Makes what this rank gives complete: from now on the others may read it.</summary>
    void Publish();

    /// <summary>Copies another rank's elements. Source and destination may be the same memory, when a rank gathers or sends to itself in place.</summary>
    void Copy<T>(nint source, DeviceSpan<T> destination)
        where T : unmanaged;

    /// <summary>Adds other ranks' elements to a sum, in the order of the parts and one rounded addition each.</summary>
    void Add(DeviceSpan<float> sum, ReadOnlySpan<nint> parts);

    /// <summary>Waits until everything copied and added is there: from now on the others may write to what was read.</summary>
    void Complete();
}

/// <summary>Memory that the processor addresses.</summary>
internal sealed unsafe class HostPeerMemory : IPeerMemory
{
    /// <summary>It has no state.</summary>
    public static HostPeerMemory Instance { get; } = new();

    public void Publish() { }

    public void Copy<T>(nint source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (source != destination.Address)
        {
            new ReadOnlySpan<T>((void*)source, destination.Length).CopyTo(destination.AsSpan());
        }
    }

    public void Add(DeviceSpan<float> sum, ReadOnlySpan<nint> parts) => OrderedSum.Add(sum, parts);

    public void Complete() { }
}

/// <summary>
/// Memory of a device that the processor cannot address: copies and sums are queued on the rank's own device, which reaches the memory of the others since
/// they are on the same one, or on its neighbours within one address space. What a rank gives must be there before the others copy on streams of their own.
/// </summary>
internal sealed class DevicePeerMemory(IDevice device) : IPeerMemory
{
    public void Publish() => device.Synchronize();

    public void Copy<T>(nint source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (source != destination.Address)
        {
            device.Copy(new DeviceSpan<T>(source, destination.LongLength), destination);
        }
    }

    public void Add(DeviceSpan<float> sum, ReadOnlySpan<nint> parts)
    {
        foreach (nint part in parts)
        {
            device.Add(new DeviceSpan<float>(part, sum.LongLength), sum);
        }
    }

    public void Complete() => device.Synchronize();
}
