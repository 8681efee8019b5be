using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// The micro-kernel for machines without AVX-512: takes the same panels and slivers and works through the tile in pieces of
/// 4 rows × 16 columns, whose 8 accumulators fit in the 16 registers of AVX2. Where there is no vector hardware at all the
/// runtime's software form computes the same fused chains, slowly.
/// </summary>
internal static unsafe class MicroKernelPortable
{
    /// <summary>Continues the chains of one tile of <paramref name="rows"/> rows over <c>tile.Depth</c> steps.</summary>
    public static void Run(int rows, in MicroTile tile)
    {
        for (int j = 0; j < Blocking.SliverColumns; j += 16)
        {
            for (int i = 0; i < rows; i += 4)
            {
                Piece(tile, i, j);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Piece(in MicroTile tile, int row, int column)
    {
        Vector256<float> c0L = default, c0R = default, c1L = default, c1R = default;
        Vector256<float> c2L = default, c2R = default, c3L = default, c3R = default;
        if (tile.From != null)
        {
            float* from = tile.From + row * tile.FromStride + column;
            TileRow.Load(ref from, tile.FromStride, out c0L, out c0R);
            TileRow.Load(ref from, tile.FromStride, out c1L, out c1R);
            TileRow.Load(ref from, tile.FromStride, out c2L, out c2R);
            TileRow.Load(ref from, tile.FromStride, out c3L, out c3R);
        }

        nint next = tile.ARow;
        float* a = tile.A + row * next;
        float* b = tile.B + column;
        for (nint k = tile.Depth; k > 0; k--)
        {
            Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8);
            TileRow.Step(*a, left, right, ref c0L, ref c0R);
            TileRow.Step(a[next], left, right, ref c1L, ref c1R);
            TileRow.Step(a[2 * next], left, right, ref c2L, ref c2R);
            TileRow.Step(a[3 * next], left, right, ref c3L, ref c3R);
            a += tile.AStep;
            b += tile.BStride;
        }

        float* to = tile.To + row * tile.ToStride + column;
        float* addend = tile.Addend == null ? null : tile.Addend + row * tile.AddendStride + column;
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c0L, c0R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c1L, c1R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c2L, c2R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c3L, c3R);
    }
}
