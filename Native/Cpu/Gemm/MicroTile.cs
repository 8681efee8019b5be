namespace MoEActors.Native.Cpu.Gemm;

/// <summary>What a micro-kernel does: one panel of A times one sliver of B, over a range of k.</summary>
internal unsafe struct MicroTile
{
    /// <summary>Panel of A, [k][rows of the kernel].</summary>
    public float* A;

    /// <summary>Sliver of B, [k][32 columns].</summary>
    public float* B;

    /// <summary>Elements from one row of the sliver to the next: 32 when it is packed.</summary>
    public nint BStride;

    /// <summary>Steps of k.</summary>
    public nint Depth;

    /// <summary>The chains so far, or null where they begin at +0.</summary>
    public float* From;

    /// <summary>Elements from one row of <see cref="From"/> to the next.</summary>
    public nint FromStride;

    /// <summary>Where the chains go.</summary>
    public float* To;

    /// <summary>Elements from one row of <see cref="To"/> to the next.</summary>
    public nint ToStride;

    /// <summary>Add to what is there, by one rounded addition, rather than replace it.</summary>
    public bool Add;
}
