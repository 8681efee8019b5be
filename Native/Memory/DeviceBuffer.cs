using System.Runtime.CompilerServices;

namespace MoEActors.Native.Memory;

/// <summary>The memory of a device.</summary>
public interface IDeviceMemory
{
    /// <summary>Bytes allocated and not freed.</summary>
    long AllocatedBytes { get; }

    /// <summary>Allocates device memory. Its content is undefined.</summary>
    /// <exception cref="OutOfMemoryException">The device has not that much memory left.</exception>
    DeviceBuffer Allocate(long bytes);

    /// <summary>Sets every element to <paramref name="value"/>.</summary>
    void Fill(DeviceSpan<float> span, float value);

    /// <summary>Frees an allocation; called by <see cref="DeviceBuffer"/> alone.</summary>
    internal void Free(nint address, long bytes);
}

/// <summary>One allocation in a device's memory. Freed on <see cref="Dispose"/>; the finalizer is only a safety net.</summary>
public sealed class DeviceBuffer : IDisposable
{
    private readonly IDeviceMemory _device;
    private nint _address;

    internal DeviceBuffer(IDeviceMemory device, nint address, long bytes)
    {
        _device = device;
        _address = address;
        Bytes = bytes;
    }

    /// <summary>Frees what was never disposed.</summary>
    ~DeviceBuffer() => Free();

    /// <summary>Size of the allocation in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Address of its first byte; a buffer may be longer than any span.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been freed.</exception>
    internal nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_address == 0, this);
            return _address;
        }
    }

    /// <summary>The buffer's memory as elements of <typeparamref name="T"/>.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been freed.</exception>
    public DeviceSpan<T> As<T>()
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_address == 0, this);
        return new DeviceSpan<T>(_address, Bytes / Unsafe.SizeOf<T>());
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        nint address = Interlocked.Exchange(ref _address, 0);
        if (address != 0)
        {
            _device.Free(address, Bytes);
        }
    }
}
