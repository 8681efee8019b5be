using System.Globalization;
using System.Runtime.CompilerServices;

namespace MoEActors.Native.Memory;

/// <summary>
/// A run of elements in a device's memory: an address and a length, without ownership. What owns the memory is a
/// <see cref="DeviceBuffer"/> or an <see cref="Arena"/>; a span must not outlive it.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
/// <param name="Address">Address of the first element in the device's address space.</param>
/// <param name="LongLength">Number of elements: a block of parameters may have more of them than an operation takes at once.</param>
public readonly record struct DeviceSpan<T>(nint Address, long LongLength)
    where T : unmanaged
{
    /// <summary>Number of elements, of a span that an operation can take.</summary>
    /// <exception cref="OverflowException">It has more.</exception>
    public int Length => LongLength <= int.MaxValue ? (int)LongLength : throw TooLong();

    /// <summary>A span of no elements: the way to leave out an optional operand.</summary>
    public static DeviceSpan<T> Empty => default;

    /// <summary>True when there is no element.</summary>
    public bool IsEmpty => LongLength == 0;

    /// <summary>How many elements and where. The one that comes with a record would ask for <see cref="Length"/>, which a long span has not.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{LongLength} {typeof(T).Name} elements at 0x{Address:x}");

    /// <summary>The elements from <paramref name="start"/> on.</summary>
    public DeviceSpan<T> Slice(long start) => Slice(start, LongLength - start);

    /// <summary>The <paramref name="length"/> elements from <paramref name="start"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the span.</exception>
    public DeviceSpan<T> Slice(long start, long length)
    {
        if ((ulong)start > (ulong)LongLength || (ulong)length > (ulong)(LongLength - start))
        {
            ThrowRange(start, length, LongLength);
        }

        return new DeviceSpan<T>(Address + (nint)start * Unsafe.SizeOf<T>(), length);
    }

    /// <summary>The elements as host memory. Only for spans of a device whose memory the host can address (the CPU).</summary>
    internal unsafe Span<T> AsSpan() => new((void*)Address, Length);

    /// <summary>The elements as a pointer. Only for spans of a device whose memory the host can address (the CPU).</summary>
    internal unsafe T* Pointer => (T*)Address;

    private OverflowException TooLong() => new(
        $"{LongLength} elements lie in one piece, and an operation takes at most {int.MaxValue} at once; only an estimate of memory counts more.");

    private static void ThrowRange(long start, long length, long available) =>
        throw new ArgumentOutOfRangeException(nameof(start), $"Elements {start} to {start + length} are outside a span of {available}.");
}
