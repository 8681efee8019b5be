using System.Runtime.InteropServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>The packed panels and unfinished chains of one thread: native memory, allocated once.</summary>
internal sealed unsafe class GemmScratch : IDisposable
{
    private const nuint Page = 4096;

    private readonly float* _memory;

    public GemmScratch()
    {
        const int panels = Blocking.BlockElements + Blocking.PanelRows * Blocking.MaxDepth + PanelPacker.Slack;
        const int sliver = Blocking.MaxDepth * Blocking.SliverColumns;
        const int corner = Blocking.PanelRows * Blocking.SliverColumns;
        const int zeros = Blocking.SliverColumns;
        const int bytes = (Blocking.TileElements + corner + sliver + zeros + panels) * sizeof(float);
        _memory = (float*)NativeMemory.AlignedAlloc(bytes, HugePages.AlignmentFor(bytes, Page));
        HugePages.Ask(_memory, bytes);
        Sliver = _memory;
        Corner = Sliver + sliver;
        Zeros = Corner + corner;
        new Span<float>(Zeros, zeros).Clear();
        Panels = Zeros + zeros;
        Tile = Panels + panels;
    }

    ~GemmScratch() => Free();

    /// <summary>Unfinished chains of one tile of C.</summary>
    public float* Tile { get; }

    /// <summary>One micro-tile that overlaps the edge of C.</summary>
    public float* Corner { get; }

    /// <summary>A row of a micro-tile, all +0.</summary>
    public float* Zeros { get; }

    /// <summary>A packed sliver of B.</summary>
    public float* Sliver { get; }

    /// <summary>A packed block of A.</summary>
    public float* Panels { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free() => NativeMemory.AlignedFree(_memory);
}
