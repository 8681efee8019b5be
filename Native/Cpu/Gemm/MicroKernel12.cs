using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>The micro-kernel of 12 rows × 32 columns: 24 accumulators of one AVX-512 register each.</summary>
internal static unsafe class MicroKernel12
{
    /// <summary>Continues the chains of one tile over <c>tile.Depth</c> steps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TSliver>(in MicroTile tile)
        where TSliver : struct, ISliver
    {
        Vector512<float> c0L = default, c0R = default;
        Vector512<float> c1L = default, c1R = default;
        Vector512<float> c2L = default, c2R = default;
        Vector512<float> c3L = default, c3R = default;
        Vector512<float> c4L = default, c4R = default;
        Vector512<float> c5L = default, c5R = default;
        Vector512<float> c6L = default, c6R = default;
        Vector512<float> c7L = default, c7R = default;
        Vector512<float> c8L = default, c8R = default;
        Vector512<float> c9L = default, c9R = default;
        Vector512<float> c10L = default, c10R = default;
        Vector512<float> c11L = default, c11R = default;
        if (tile.From != null)
        {
            float* from = tile.From;
            c0L = Vector512.Load(from);
            c0R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c1L = Vector512.Load(from);
            c1R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c2L = Vector512.Load(from);
            c2R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c3L = Vector512.Load(from);
            c3R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c4L = Vector512.Load(from);
            c4R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c5L = Vector512.Load(from);
            c5R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c6L = Vector512.Load(from);
            c6R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c7L = Vector512.Load(from);
            c7R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c8L = Vector512.Load(from);
            c8R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c9L = Vector512.Load(from);
            c9R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c10L = Vector512.Load(from);
            c10R = Vector512.Load(from + 16);
            from += tile.FromStride;
            c11L = Vector512.Load(from);
            c11R = Vector512.Load(from + 16);
        }

        tile.PrefetchResult(12);
        nint row = tile.ARow;
        nint step = tile.AStep;
        nint twice = 2 * row;
        float* a0 = tile.A;
        float* a3 = a0 + 3 * row;
        float* a6 = a3 + 3 * row;
        float* a9 = a6 + 3 * row;
        float* b = tile.B;
        float* packed = tile.Packed;
        nint stride = tile.BStride;
        Prefetch next = tile.Next;
        for (nint k = 0; k < tile.Depth; k++)
        {
            Vector512<float> left = Vector512.Load(b);
            Vector512<float> right = Vector512.Load(b + 16);
            if (TSliver.Packs)
            {
                left.Store(packed);
                right.Store(packed + 16);
                packed += 32;
            }

            Sse.Prefetch1(next.At(k));
            Vector512<float> x = Vector512.Create(*a0);
            c0L = Vector512.FusedMultiplyAdd(x, left, c0L);
            c0R = Vector512.FusedMultiplyAdd(x, right, c0R);
            x = Vector512.Create(a0[row]);
            c1L = Vector512.FusedMultiplyAdd(x, left, c1L);
            c1R = Vector512.FusedMultiplyAdd(x, right, c1R);
            x = Vector512.Create(a0[twice]);
            c2L = Vector512.FusedMultiplyAdd(x, left, c2L);
            c2R = Vector512.FusedMultiplyAdd(x, right, c2R);
            x = Vector512.Create(*a3);
            c3L = Vector512.FusedMultiplyAdd(x, left, c3L);
            c3R = Vector512.FusedMultiplyAdd(x, right, c3R);
            x = Vector512.Create(a3[row]);
            c4L = Vector512.FusedMultiplyAdd(x, left, c4L);
            c4R = Vector512.FusedMultiplyAdd(x, right, c4R);
            x = Vector512.Create(a3[twice]);
            c5L = Vector512.FusedMultiplyAdd(x, left, c5L);
            c5R = Vector512.FusedMultiplyAdd(x, right, c5R);
            x = Vector512.Create(*a6);
            c6L = Vector512.FusedMultiplyAdd(x, left, c6L);
            c6R = Vector512.FusedMultiplyAdd(x, right, c6R);
            x = Vector512.Create(a6[row]);
            c7L = Vector512.FusedMultiplyAdd(x, left, c7L);
            c7R = Vector512.FusedMultiplyAdd(x, right, c7R);
            x = Vector512.Create(a6[twice]);
            c8L = Vector512.FusedMultiplyAdd(x, left, c8L);
            c8R = Vector512.FusedMultiplyAdd(x, right, c8R);
            x = Vector512.Create(*a9);
            c9L = Vector512.FusedMultiplyAdd(x, left, c9L);
            c9R = Vector512.FusedMultiplyAdd(x, right, c9R);
            x = Vector512.Create(a9[row]);
            c10L = Vector512.FusedMultiplyAdd(x, left, c10L);
            c10R = Vector512.FusedMultiplyAdd(x, right, c10R);
            x = Vector512.Create(a9[twice]);
            c11L = Vector512.FusedMultiplyAdd(x, left, c11L);
            c11R = Vector512.FusedMultiplyAdd(x, right, c11R);
            a0 += step;
            a3 += step;
            a6 += step;
            a9 += step;
            b += stride;
        }

        float* to = tile.To;
        if (tile.Addend != null)
        {
            float* addend = tile.Addend;
            (Vector512.Load(addend) + c0L).Store(to);
            (Vector512.Load(addend + 16) + c0R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c1L).Store(to);
            (Vector512.Load(addend + 16) + c1R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c2L).Store(to);
            (Vector512.Load(addend + 16) + c2R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c3L).Store(to);
            (Vector512.Load(addend + 16) + c3R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c4L).Store(to);
            (Vector512.Load(addend + 16) + c4R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c5L).Store(to);
            (Vector512.Load(addend + 16) + c5R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c6L).Store(to);
            (Vector512.Load(addend + 16) + c6R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c7L).Store(to);
            (Vector512.Load(addend + 16) + c7R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c8L).Store(to);
            (Vector512.Load(addend + 16) + c8R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c9L).Store(to);
            (Vector512.Load(addend + 16) + c9R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c10L).Store(to);
            (Vector512.Load(addend + 16) + c10R).Store(to + 16);
            to += tile.ToStride;
            addend += tile.AddendStride;
            (Vector512.Load(addend) + c11L).Store(to);
            (Vector512.Load(addend + 16) + c11R).Store(to + 16);
        }
        else
        {
            c0L.Store(to);
            c0R.Store(to + 16);
            to += tile.ToStride;
            c1L.Store(to);
            c1R.Store(to + 16);
            to += tile.ToStride;
            c2L.Store(to);
            c2R.Store(to + 16);
            to += tile.ToStride;
            c3L.Store(to);
            c3R.Store(to + 16);
            to += tile.ToStride;
            c4L.Store(to);
            c4R.Store(to + 16);
            to += tile.ToStride;
            c5L.Store(to);
            c5R.Store(to + 16);
            to += tile.ToStride;
            c6L.Store(to);
            c6R.Store(to + 16);
            to += tile.ToStride;
            c7L.Store(to);
            c7R.Store(to + 16);
            to += tile.ToStride;
            c8L.Store(to);
            c8R.Store(to + 16);
            to += tile.ToStride;
            c9L.Store(to);
            c9R.Store(to + 16);
            to += tile.ToStride;
            c10L.Store(to);
            c10R.Store(to + 16);
            to += tile.ToStride;
            c11L.Store(to);
            c11R.Store(to + 16);
        }
    }
}

/// <summary>
/// The micro-kernel of 12 rows for slivers of at most 16 columns (gates, last columns): half of the multiplications. It
/// does not write the right half of the micro-tile, so its result is never stored to C directly.
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
