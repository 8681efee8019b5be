using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// The micro-kernel for AVX2, which has 16 registers: a tile of 12 rows × 32 columns is worked through in four pieces of 6 × 16, whose
/// 12 accumulators leave room for two vectors of B and one of A. A tile of 8 or 4 rows is left to the portable kernel's pieces.
/// </summary>
internal static unsafe class MicroKernel6
{
    private const int Rows = 6;
    private const int Columns = 16;

    /// <summary>True where the instructions exist.</summary>
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>Continues the chains of one tile of 12 rows over <c>tile.Depth</c> steps.</summary>
    public static void Run(SliverForm form, in MicroTile tile)
    {
        tile.PrefetchResult(2 * Rows);
        int columns = form == SliverForm.Narrow ? Columns : 2 * Columns;
        Prefetch next = tile.Next;
        for (int column = 0; column < columns; column += Columns)
        {
            if (form == SliverForm.Pack)
            {
                Piece<StoredSliver>(tile, 0, column, tile.B + column, tile.BStride, next);
                next = SamePlace(tile);
                Piece<PlainSliver>(tile, Rows, column, tile.Packed + column, Blocking.SliverColumns, next);
            }
            else
            {
                Piece<PlainSliver>(tile, 0, column, tile.B + column, tile.BStride, next);
                next = SamePlace(tile);
                Piece<PlainSliver>(tile, Rows, column, tile.B + column, tile.BStride, next);
            }
        }
    }

    /// <summary>For the pieces after the first, which has prefetched all lines: prefetching a cached line costs nothing.</summary>
    private static Prefetch SamePlace(in MicroTile tile) => new() { Start = tile.A };

    /// <summary>6 × 16 of the tile. Not inlined: in a method of its own the loop keeps its pointers in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Piece<TSliver>(in MicroTile tile, int row, int column, float* b, nint stride, Prefetch next)
        where TSliver : struct, ISliver
    {
        Vector256<float> c0L = default, c0R = default, c1L = default, c1R = default;
        Vector256<float> c2L = default, c2R = default, c3L = default, c3R = default;
        Vector256<float> c4L = default, c4R = default, c5L = default, c5R = default;
        if (tile.From != null)
        {
            float* from = tile.From + row * tile.FromStride + column;
            TileRow.Load(ref from, tile.FromStride, out c0L, out c0R);
            TileRow.Load(ref from, tile.FromStride, out c1L, out c1R);
            TileRow.Load(ref from, tile.FromStride, out c2L, out c2R);
            TileRow.Load(ref from, tile.FromStride, out c3L, out c3R);
            TileRow.Load(ref from, tile.FromStride, out c4L, out c4R);
            TileRow.Load(ref from, tile.FromStride, out c5L, out c5R);
        }

        nint aRow = tile.ARow, twice = 2 * aRow, step = tile.AStep;
        float* a0 = tile.A + row * aRow;
        float* a3 = a0 + 3 * aRow;
        float* packed = tile.Packed + column;
        for (nint k = 0; k < tile.Depth; k++)
        {
            Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8);
            if (TSliver.Packs)
            {
                left.Store(packed);
                right.Store(packed + 8);
                packed += Blocking.SliverColumns;
            }

            Sse.Prefetch1(next.At(k));
            TileRow.Step(*a0, left, right, ref c0L, ref c0R);
            TileRow.Step(a0[aRow], left, right, ref c1L, ref c1R);
            TileRow.Step(a0[twice], left, right, ref c2L, ref c2R);
            TileRow.Step(*a3, left, right, ref c3L, ref c3R);
            TileRow.Step(a3[aRow], left, right, ref c4L, ref c4R);
            TileRow.Step(a3[twice], left, right, ref c5L, ref c5R);
            a0 += step;
            a3 += step;
            b += stride;
        }

        float* to = tile.To + row * tile.ToStride + column;
        float* addend = tile.Addend == null ? null : tile.Addend + row * tile.AddendStride + column;
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c0L, c0R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c1L, c1R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c2L, c2R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c3L, c3R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c4L, c4R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c5L, c5R);
    }
}
