using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>What a micro-kernel does: one panel of A times one sliver of B, over a range of k. A stride is the elements from one row to the next.</summary>
internal unsafe struct MicroTile
{
    /// <summary>Panel of A: packed, or rows of A as they are stored.</summary>
    public float* A;

    /// <summary>Elements from one row of the panel to the next.</summary>
    public nint ARow;

    /// <summary>Elements from one step of k to the next.</summary>
    public nint AStep;

    /// <summary>Sliver of B, rows of 32 columns.</summary>
    public float* B;

    /// <summary>32 when the sliver is packed.</summary>
    public nint BStride;

    /// <summary>Steps of k.</summary>
    public nint Depth;

    /// <summary>The chains so far, or null where they begin at +0.</summary>
    public float* From;
    public nint FromStride;

    /// <summary>Where the chains go.</summary>
    public float* To;
    public nint ToStride;

    /// <summary>What complete chains are added to, by one rounded addition: C, or zeros; null to store them as they are.</summary>
    public float* Addend;

    /// <summary>0 for one row of zeros.</summary>
    public nint AddendStride;

    /// <summary>Where a kernel that packs B puts it.</summary>
    public float* Packed;

    /// <summary>Lines of the next sliver to prefetch meanwhile.</summary>
    public Prefetch Next;

    /// <summary>Where the next micro-tile's chains will go: C is prefetched one micro-tile ahead.</summary>
    public float* Ahead;

    /// <summary>Prefetches the next micro-tile of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void PrefetchResult(int rows)
    {
        float* line = Ahead;
        for (int i = 0; i < rows; i++, line += ToStride)
        {
            Sse.Prefetch1(line);
            Sse.Prefetch1(line + 16);
        }
    }
}

/// <summary>
/// The cache lines of the next sliver, in the order in which a kernel prefetches them, one per step of k. Hardware prefetchers do
/// not follow 128 bytes of every row, and without this, packing spent most of its time waiting for memory.
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
