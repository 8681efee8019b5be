using System.Runtime.InteropServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu;

/// <summary>Working memory that a device keeps between calls and that grows to the largest need. It is not counted as allocated.</summary>
internal sealed unsafe class NativeScratch : IDisposable
{
    private void* _memory;
    private nuint _bytes;

    /// <summary>Frees what was never disposed.</summary>
    ~NativeScratch() => NativeMemory.AlignedFree(_memory);

    /// <summary>Room for <paramref name="count"/> elements, of undefined content, until the next call.</summary>
    public DeviceSpan<T> Take<T>(int count)
        where T : unmanaged
    {
        nuint bytes = (nuint)count * (nuint)sizeof(T);
        if (bytes > _bytes)
        {
            NativeMemory.AlignedFree(_memory);
            _memory = null;
            _bytes = 0;
            _memory = NativeMemory.AlignedAlloc(bytes, 64);
            _bytes = bytes;
        }

        return new DeviceSpan<T>((nint)_memory, count);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _bytes = 0;
        GC.SuppressFinalize(this);
    }
}
