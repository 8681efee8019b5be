using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>How a rank reads the memory of the other ranks of its process. Called on the rank's thread, within a collective operation.</summary>
internal interface IPeerMemory : IDisposable
{
    /// <summary>Says that what this rank gives is complete, or will be when what it has queued is done.</summary>
    /// <returns>Why it could not; null if it could.</returns>
    Exception? Publish();

    /// <summary>Before anything of another rank is read, when all have published.</summary>
    void AwaitPublished(IPeerMemory peer);

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

    /// <summary>Says that this rank has read what it needed, or will have when what it has queued is done.</summary>
    /// <returns>Why something could not be read, of this operation; null if everything could.</returns>
    Exception? Complete();

    /// <summary>Before this rank's memory is written to again, when all have completed.</summary>
    void AwaitCompleted(IPeerMemory peer);
}

/// <summary>Memory that the processor addresses.</summary>
internal sealed unsafe class HostPeerMemory : IPeerMemory
{
    /// <summary>It has no state.</summary>
    public static HostPeerMemory Instance { get; } = new();

    public IDevice? Device => null;

    public Exception? Publish() => null;

    public void AwaitPublished(IPeerMemory peer)
    {
    }

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

    public void AwaitCompleted(IPeerMemory peer)
    {
    }

    public void Dispose()
    {
    }
}

/// <summary>
/// Memory of a device that the processor cannot address: copies and sums are queued on the rank's own device, which reaches the memory of the others on the
/// same GPU or another. Devices wait for each other by signals, not their hosts: what is queued next need not wait for what is queued. Whoever goes on on another
/// stream than the device's must wait for the device first, or has the calls wait.
/// </summary>
/// <param name="device">The rank's device.</param>
/// <param name="waits">Whether calls end only when what they copy is there.</param>
internal sealed class DevicePeerMemory(IDevice device, bool waits) : IPeerMemory
{
    private readonly IDeviceSignal? _published = device.NewSignal();
    private readonly IDeviceSignal? _completed = device.NewSignal();
    private Exception? _failure;

    public IDevice? Device => device;

    public Exception? Publish() => Set(_published);

    public void AwaitPublished(IPeerMemory peer) => Await(((DevicePeerMemory)peer)._published);

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

    public Exception? Complete() => waits ? Wait() : Set(_completed);

    public void AwaitCompleted(IPeerMemory peer) => Await(((DevicePeerMemory)peer)._completed);

    public void Dispose()
    {
        _published?.Dispose();
        _completed?.Dispose();
    }

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

    private Exception? Set(IDeviceSignal? signal)
    {
        try
        {
            signal?.Set();
        }
        catch (Exception e)
        {
            _failure ??= e;
        }

        return _failure;
    }

    private void Await(IDeviceSignal? signal)
    {
        try
        {
            signal?.AwaitOn(device);
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
