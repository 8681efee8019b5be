using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// The micro-kernel of 12 rows for slivers of at most 16 columns (gates, last columns): half of the multiplications. It
/// leaves the right half of the micro-tile alone, so what it computes never goes straight to C.
/// </summary>
internal static unsafe class MicroKernel12Narrow
{
    /// <summary>Continues the chains of the left half of one tile over <c>tile.Depth</c> steps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in MicroTile tile)
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default;
        Vector512<float> c4 = default, c5 = default, c6 = default, c7 = default;
        Vector512<float> c8 = default, c9 = default, c10 = default, c11 = default;
        if (tile.From != null)
        {
            float* from = tile.From;
            c0 = Vector512.Load(from);
            from += tile.FromStride;
            c1 = Vector512.Load(from);
            from += tile.FromStride;
            c2 = Vector512.Load(from);
            from += tile.FromStride;
            c3 = Vector512.Load(from);
            from += tile.FromStride;
            c4 = Vector512.Load(from);
            from += tile.FromStride;
            c5 = Vector512.Load(from);
            from += tile.FromStride;
            c6 = Vector512.Load(from);
            from += tile.FromStride;
            c7 = Vector512.Load(from);
            from += tile.FromStride;
            c8 = Vector512.Load(from);
            from += tile.FromStride;
            c9 = Vector512.Load(from);
            from += tile.FromStride;
            c10 = Vector512.Load(from);
            from += tile.FromStride;
            c11 = Vector512.Load(from);
        }

        nint row = tile.ARow;
        nint step = tile.AStep;
        nint twice = 2 * row;
        float* a0 = tile.A;
        float* a3 = a0 + 3 * row;
        float* a6 = a3 + 3 * row;
        float* a9 = a6 + 3 * row;
        float* b = tile.B;
        nint stride = tile.BStride;
        for (nint k = tile.Depth; k > 0; k--)
        {
            Vector512<float> left = Vector512.Load(b);
            c0 = Vector512.FusedMultiplyAdd(Vector512.Create(*a0), left, c0);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(a0[row]), left, c1);
            c2 = Vector512.FusedMultiplyAdd(Vector512.Create(a0[twice]), left, c2);
            c3 = Vector512.FusedMultiplyAdd(Vector512.Create(*a3), left, c3);
            c4 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[row]), left, c4);
            c5 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[twice]), left, c5);
            c6 = Vector512.FusedMultiplyAdd(Vector512.Create(*a6), left, c6);
            c7 = Vector512.FusedMultiplyAdd(Vector512.Create(a6[row]), left, c7);
            c8 = Vector512.FusedMultiplyAdd(Vector512.Create(a6[twice]), left, c8);
            c9 = Vector512.FusedMultiplyAdd(Vector512.Create(*a9), left, c9);
            c10 = Vector512.FusedMultiplyAdd(Vector512.Create(a9[row]), left, c10);
            c11 = Vector512.FusedMultiplyAdd(Vector512.Create(a9[twice]), left, c11);
            a0 += step;
            a3 += step;
            a6 += step;
            a9 += step;
            b += stride;
        }

        float* to = tile.To;
        c0.Store(to);
        to += tile.ToStride;
        c1.Store(to);
        to += tile.ToStride;
        c2.Store(to);
        to += tile.ToStride;
        c3.Store(to);
        to += tile.ToStride;
        c4.Store(to);
        to += tile.ToStride;
        c5.Store(to);
        to += tile.ToStride;
        c6.Store(to);
        to += tile.ToStride;
        c7.Store(to);
        to += tile.ToStride;
        c8.Store(to);
        to += tile.ToStride;
        c9.Store(to);
        to += tile.ToStride;
        c10.Store(to);
        to += tile.ToStride;
        c11.Store(to);
    }
}
