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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Piece<TSliver>(in MicroTile tile, int row, int column, float* b, nint stride, Prefetch next)
        where TSliver : struct, ISliver
    {
        Vector256<float> c0L = default, c0R = default;
        Vector256<float> c1L = default, c1R = default;
        Vector256<float> c2L = default, c2R = default;
        Vector256<float> c3L = default, c3R = default;
        Vector256<float> c4L = default, c4R = default;
        Vector256<float> c5L = default, c5R = default;
        if (tile.From != null)
        {
            float* from = tile.From + row * tile.FromStride + column;
            c0L = Vector256.Load(from);
            c0R = Vector256.Load(from + 8);
            from += tile.FromStride;
            c1L = Vector256.Load(from);
            c1R = Vector256.Load(from + 8);
            from += tile.FromStride;
            c2L = Vector256.Load(from);
            c2R = Vector256.Load(from + 8);
            from += tile.FromStride;
            c3L = Vector256.Load(from);
            c3R = Vector256.Load(from + 8);
            from += tile.FromStride;
            c4L = Vector256.Load(from);
            c4R = Vector256.Load(from + 8);
            from += tile.FromStride;
            c5L = Vector256.Load(from);
            c5R = Vector256.Load(from + 8);
        }

        nint aRow = tile.ARow;
        nint twice = 2 * aRow;
        nint step = tile.AStep;
        float* a0 = tile.A + row * aRow;
        float* a3 = a0 + 3 * aRow;
        float* packed = tile.Packed + column;
        for (nint k = 0; k < tile.Depth; k++)
        {
            Vector256<float> left = Vector256.Load(b);
            Vector256<float> right = Vector256.Load(b + 8);
            if (TSliver.Packs)
            {
                left.Store(packed);
                right.Store(packed + 8);
                packed += Blocking.SliverColumns;
            }

            Sse.Prefetch1(next.At(k));
            Vector256<float> x = Vector256.Create(*a0);
            c0L = Vector256.FusedMultiplyAdd(x, left, c0L);
            c0R = Vector256.FusedMultiplyAdd(x, right, c0R);
            x = Vector256.Create(a0[aRow]);
            c1L = Vector256.FusedMultiplyAdd(x, left, c1L);
            c1R = Vector256.FusedMultiplyAdd(x, right, c1R);
            x = Vector256.Create(a0[twice]);
            c2L = Vector256.FusedMultiplyAdd(x, left, c2L);
            c2R = Vector256.FusedMultiplyAdd(x, right, c2R);
            x = Vector256.Create(*a3);
            c3L = Vector256.FusedMultiplyAdd(x, left, c3L);
            c3R = Vector256.FusedMultiplyAdd(x, right, c3R);
            x = Vector256.Create(a3[aRow]);
            c4L = Vector256.FusedMultiplyAdd(x, left, c4L);
            c4R = Vector256.FusedMultiplyAdd(x, right, c4R);
            x = Vector256.Create(a3[twice]);
            c5L = Vector256.FusedMultiplyAdd(x, left, c5L);
            c5R = Vector256.FusedMultiplyAdd(x, right, c5R);
            a0 += step;
            a3 += step;
            b += stride;
        }

        float* to = tile.To + row * tile.ToStride + column;
        if (tile.Addend != null)
        {
            float* addend = tile.Addend + row * tile.AddendStride + column;
            (Vector256.Load(addend) + c0L).Store(to);
            (Vector256.Load(addend + 8) + c0R).Store(to + 8);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector256.Load(addend) + c1L).Store(to);
            (Vector256.Load(addend + 8) + c1R).Store(to + 8);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector256.Load(addend) + c2L).Store(to);
            (Vector256.Load(addend + 8) + c2R).Store(to + 8);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector256.Load(addend) + c3L).Store(to);
            (Vector256.Load(addend + 8) + c3R).Store(to + 8);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector256.Load(addend) + c4L).Store(to);
            (Vector256.Load(addend + 8) + c4R).Store(to + 8);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector256.Load(addend) + c5L).Store(to);
            (Vector256.Load(addend + 8) + c5R).Store(to + 8);
        }
        else
        {
            c0L.Store(to);
            c0R.Store(to + 8);
            to += tile.ToStride;
            c1L.Store(to);
            c1R.Store(to + 8);
            to += tile.ToStride;
            c2L.Store(to);
            c2R.Store(to + 8);
            to += tile.ToStride;
            c3L.Store(to);
            c3R.Store(to + 8);
            to += tile.ToStride;
            c4L.Store(to);
            c4R.Store(to + 8);
            to += tile.ToStride;
            c5L.Store(to);
            c5R.Store(to + 8);
        }
    }
}
