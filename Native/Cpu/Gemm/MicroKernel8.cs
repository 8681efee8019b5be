using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>The micro-kernel of 8 rows × 32 columns: 16 accumulators of one AVX-512 register each.</summary>
internal static unsafe class MicroKernel8
{
    /// <summary>Continues the chains of one tile over <c>tile.Depth</c> steps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in MicroTile tile)
    {
        Vector512<float> c0L = default, c0R = default;
        Vector512<float> c1L = default, c1R = default;
        Vector512<float> c2L = default, c2R = default;
        Vector512<float> c3L = default, c3R = default;
        Vector512<float> c4L = default, c4R = default;
        Vector512<float> c5L = default, c5R = default;
        Vector512<float> c6L = default, c6R = default;
        Vector512<float> c7L = default, c7R = default;
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
        }

        tile.PrefetchResult(8);
        nint row = tile.ARow;
        nint step = tile.AStep;
        nint twice = 2 * row;
        float* a0 = tile.A;
        float* a3 = a0 + 3 * row;
        float* a6 = a3 + 3 * row;
        float* b = tile.B;
        nint stride = tile.BStride;
        Prefetch next = tile.Next;
        for (nint k = 0; k < tile.Depth; k++)
        {
            Vector512<float> left = Vector512.Load(b);
            Vector512<float> right = Vector512.Load(b + 16);
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
            a0 += step;
            a3 += step;
            a6 += step;
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
        }
    }
}
