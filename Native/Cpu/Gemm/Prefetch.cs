using System.Runtime.CompilerServices;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// The lines of the next sliver, in the order in which a kernel asks for them, one per step of k. Hardware prefetchers do not
/// follow 128 bytes out of every row, and packing waited for memory longer than it worked.
/// </summary>
internal unsafe struct Prefetch
{
    /// <summary>The first line.</summary>
    public float* Start;

    /// <summary>Elements from one line to the next.</summary>
    public nint Stride;

    /// <summary>Bits of the step's number that count lines in a run.</summary>
    public int RunBits;

    /// <summary>Elements from one run to the next.</summary>
    public nint RunStride;

    /// <summary>The line for step <paramref name="k"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float* At(nint k) => Start + (k & (((nint)1 << RunBits) - 1)) * Stride + (k >> RunBits) * RunStride;
}
