using System.Runtime.CompilerServices;

namespace MoEActors.Native.Memory;

/// <summary>
/// A run of elements in a device's memory: an address and a length, without ownership. What owns the memory is a
/// <see cref="DeviceBuffer"/> or an <see cref="Arena"/>; a span must not outlive it.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
/// <param name="Address">Address of the first element in the device's address space.</param>
/// <param name="Length">Number of elements.</param>
public readonly record struct DeviceSpan<T>(nint Address, int Length)
    where T : unmanaged
{
    /// <summary>A span of no elements: the way to leave out an optional operand.</summary>
    public static DeviceSpan<T> Empty => default;

    /// <summary>True when there is no element.</summary>
    public bool IsEmpty => Length == 0;

    /// <summary>The elements from <paramref name="start"/> on.</summary>
    public DeviceSpan<T> Slice(int start) => Slice(start, Length - start);

    /// <summary>The <paramref name="length"/> elements from <paramref name="start"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the span.</exception>
    public DeviceSpan<T> Slice(int start, int length)
    {
        if ((uint)start > (uint)Length || (uint)length > (uint)(Length - start))
        {
            ThrowRange(start, length, Length);
        }

        return new DeviceSpan<T>(Address + (nint)start * Unsafe.SizeOf<T>(), length);
    }

    /// <summary>The elements as host memory. Only for spans of a device whose memory the host can address (the CPU).</summary>
    internal unsafe Span<T> AsSpan() => new((void*)Address, Length);

    /// <summary>The elements as a pointer. Only for spans of a device whose memory the host can address (the CPU).</summary>
    internal unsafe T* Pointer => (T*)Address;

    private static void ThrowRange(int start, int length, int available) =>
        throw new ArgumentOutOfRangeException(nameof(start), $"Elements {start} to {start + (long)length} are outside a span of {available}.");
}
