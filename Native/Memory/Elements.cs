using System.Runtime.CompilerServices;

namespace MoEActors.Native.Memory;

/// <summary>What the elements of a <see cref="Matrix"/> are.</summary>
public enum ElementType
{
    /// <summary>fp32: sums, residual streams, master weights, moments.</summary>
    F32,

    /// <summary>bfloat16, the upper half of an fp32: what tensor cores multiply (Kalamkar et al., arXiv 1905.12322).</summary>
    BF16,
}

/// <summary>Sizes of elements.</summary>
public static class ElementTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Bytes(this ElementType element) => element == ElementType.F32 ? sizeof(float) : Unsafe.SizeOf<BFloat16>();
}

/// <summary>A number with the range of fp32 and eight bits of mantissa.</summary>
/// <param name="Bits">The upper half of the bits of an fp32.</param>
public readonly record struct BFloat16(ushort Bits)
{
    private const uint Half = 0x7FFF;
    private const ushort QuietNaN = 0x0040;

    /// <summary>Rounds to the nearest, of two the even one; what is no number stays so.</summary>
    public static BFloat16 Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return new BFloat16((ushort)(float.IsNaN(value) ? (bits >> 16) | QuietNaN : (bits + Half + ((bits >> 16) & 1)) >> 16));
    }

    /// <summary>The same number in fp32.</summary>
    public float ToSingle() => BitConverter.UInt32BitsToSingle((uint)Bits << 16);
}
