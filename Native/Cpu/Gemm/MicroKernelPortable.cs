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
            Load(from, out c0L, out c0R);
            Load(from + tile.FromStride, out c1L, out c1R);
            Load(from + 2 * tile.FromStride, out c2L, out c2R);
            Load(from + 3 * tile.FromStride, out c3L, out c3R);
        }

        nint next = tile.ARow;
        float* a = tile.A + row * next;
        float* b = tile.B + column;
        for (nint k = tile.Depth; k > 0; k--)
        {
            Load(b, out Vector256<float> left, out Vector256<float> right);
            Vector256<float> x = Vector256.Create(*a);
            c0L = Vector256.FusedMultiplyAdd(x, left, c0L);
            c0R = Vector256.FusedMultiplyAdd(x, right, c0R);
            x = Vector256.Create(a[next]);
            c1L = Vector256.FusedMultiplyAdd(x, left, c1L);
            c1R = Vector256.FusedMultiplyAdd(x, right, c1R);
            x = Vector256.Create(a[2 * next]);
            c2L = Vector256.FusedMultiplyAdd(x, left, c2L);
            c2R = Vector256.FusedMultiplyAdd(x, right, c2R);
            x = Vector256.Create(a[3 * next]);
            c3L = Vector256.FusedMultiplyAdd(x, left, c3L);
            c3R = Vector256.FusedMultiplyAdd(x, right, c3R);
            a += tile.AStep;
            b += tile.BStride;
        }

        float* to = tile.To + row * tile.ToStride + column;
        nint addendStride = tile.AddendStride;
        float* addend = tile.Addend == null ? null : tile.Addend + row * addendStride + column;
        Store(to, addend, c0L, c0R);
        Store(to + tile.ToStride, addend == null ? null : addend + addendStride, c1L, c1R);
        Store(to + 2 * tile.ToStride, addend == null ? null : addend + 2 * addendStride, c2L, c2R);
        Store(to + 3 * tile.ToStride, addend == null ? null : addend + 3 * addendStride, c3L, c3R);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* from, out Vector256<float> left, out Vector256<float> right)
    {
        left = Vector256.Load(from);
        right = Vector256.Load(from + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, float* addend, Vector256<float> left, Vector256<float> right)
    {
        if (addend != null)
        {
            left = Vector256.Load(addend) + left;
            right = Vector256.Load(addend + 8) + right;
        }

        left.Store(to);
        right.Store(to + 8);
    }
}
