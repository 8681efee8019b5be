using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// The micro-kernels for AVX-512: each continues the chains of one tile over <c>tile.Depth</c> steps. A row of a tile is two registers of 16 columns,
/// and the accumulators are local variables so that each of them stays in its register.
/// </summary>
internal static unsafe class MicroKernel512
{
    /// <summary>12 rows × 32 columns: 24 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run12<TSliver>(in MicroTile tile)
        where TSliver : struct, ISliver
    {
        Vector512<float> c0L = default, c0R = default, c1L = default, c1R = default;
        Vector512<float> c2L = default, c2R = default, c3L = default, c3R = default;
        Vector512<float> c4L = default, c4R = default, c5L = default, c5R = default;
        Vector512<float> c6L = default, c6R = default, c7L = default, c7R = default;
        Vector512<float> c8L = default, c8R = default, c9L = default, c9R = default;
        Vector512<float> c10L = default, c10R = default, c11L = default, c11R = default;
        if (tile.From != null)
        {
            float* from = tile.From;
            TileRow.Load(ref from, tile.FromStride, out c0L, out c0R);
            TileRow.Load(ref from, tile.FromStride, out c1L, out c1R);
            TileRow.Load(ref from, tile.FromStride, out c2L, out c2R);
            TileRow.Load(ref from, tile.FromStride, out c3L, out c3R);
            TileRow.Load(ref from, tile.FromStride, out c4L, out c4R);
            TileRow.Load(ref from, tile.FromStride, out c5L, out c5R);
            TileRow.Load(ref from, tile.FromStride, out c6L, out c6R);
            TileRow.Load(ref from, tile.FromStride, out c7L, out c7R);
            TileRow.Load(ref from, tile.FromStride, out c8L, out c8R);
            TileRow.Load(ref from, tile.FromStride, out c9L, out c9R);
            TileRow.Load(ref from, tile.FromStride, out c10L, out c10R);
            TileRow.Load(ref from, tile.FromStride, out c11L, out c11R);
        }

        tile.PrefetchResult(12);
        nint row = tile.ARow, step = tile.AStep, twice = 2 * row;
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
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16);
            if (TSliver.Packs)
            {
                left.Store(packed);
                right.Store(packed + 16);
                packed += 32;
            }

            Sse.Prefetch1(next.At(k));
            TileRow.Step(*a0, left, right, ref c0L, ref c0R);
            TileRow.Step(a0[row], left, right, ref c1L, ref c1R);
            TileRow.Step(a0[twice], left, right, ref c2L, ref c2R);
            TileRow.Step(*a3, left, right, ref c3L, ref c3R);
            TileRow.Step(a3[row], left, right, ref c4L, ref c4R);
            TileRow.Step(a3[twice], left, right, ref c5L, ref c5R);
            TileRow.Step(*a6, left, right, ref c6L, ref c6R);
            TileRow.Step(a6[row], left, right, ref c7L, ref c7R);
            TileRow.Step(a6[twice], left, right, ref c8L, ref c8R);
            TileRow.Step(*a9, left, right, ref c9L, ref c9R);
            TileRow.Step(a9[row], left, right, ref c10L, ref c10R);
            TileRow.Step(a9[twice], left, right, ref c11L, ref c11R);
            a0 += step;
            a3 += step;
            a6 += step;
            a9 += step;
            b += stride;
        }

        float* to = tile.To, addend = tile.Addend;
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c0L, c0R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c1L, c1R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c2L, c2R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c3L, c3R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c4L, c4R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c5L, c5R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c6L, c6R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c7L, c7R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c8L, c8R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c9L, c9R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c10L, c10R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c11L, c11R);
    }

    /// <summary>8 rows × 32 columns: 16 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run8(in MicroTile tile)
    {
        Vector512<float> c0L = default, c0R = default, c1L = default, c1R = default;
        Vector512<float> c2L = default, c2R = default, c3L = default, c3R = default;
        Vector512<float> c4L = default, c4R = default, c5L = default, c5R = default;
        Vector512<float> c6L = default, c6R = default, c7L = default, c7R = default;
        if (tile.From != null)
        {
            float* from = tile.From;
            TileRow.Load(ref from, tile.FromStride, out c0L, out c0R);
            TileRow.Load(ref from, tile.FromStride, out c1L, out c1R);
            TileRow.Load(ref from, tile.FromStride, out c2L, out c2R);
            TileRow.Load(ref from, tile.FromStride, out c3L, out c3R);
            TileRow.Load(ref from, tile.FromStride, out c4L, out c4R);
            TileRow.Load(ref from, tile.FromStride, out c5L, out c5R);
            TileRow.Load(ref from, tile.FromStride, out c6L, out c6R);
            TileRow.Load(ref from, tile.FromStride, out c7L, out c7R);
        }

        tile.PrefetchResult(8);
        nint row = tile.ARow, step = tile.AStep, twice = 2 * row;
        float* a0 = tile.A;
        float* a3 = a0 + 3 * row;
        float* a6 = a3 + 3 * row;
        float* b = tile.B;
        nint stride = tile.BStride;
        Prefetch next = tile.Next;
        for (nint k = 0; k < tile.Depth; k++)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16);
            Sse.Prefetch1(next.At(k));
            TileRow.Step(*a0, left, right, ref c0L, ref c0R);
            TileRow.Step(a0[row], left, right, ref c1L, ref c1R);
            TileRow.Step(a0[twice], left, right, ref c2L, ref c2R);
            TileRow.Step(*a3, left, right, ref c3L, ref c3R);
            TileRow.Step(a3[row], left, right, ref c4L, ref c4R);
            TileRow.Step(a3[twice], left, right, ref c5L, ref c5R);
            TileRow.Step(*a6, left, right, ref c6L, ref c6R);
            TileRow.Step(a6[row], left, right, ref c7L, ref c7R);
            a0 += step;
            a3 += step;
            a6 += step;
            b += stride;
        }

        float* to = tile.To, addend = tile.Addend;
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c0L, c0R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c1L, c1R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c2L, c2R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c3L, c3R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c4L, c4R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c5L, c5R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c6L, c6R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c7L, c7R);
    }

    /// <summary>4 rows × 32 columns: 8 accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run4(in MicroTile tile)
    {
        Vector512<float> c0L = default, c0R = default, c1L = default, c1R = default;
        Vector512<float> c2L = default, c2R = default, c3L = default, c3R = default;
        if (tile.From != null)
        {
            float* from = tile.From;
            TileRow.Load(ref from, tile.FromStride, out c0L, out c0R);
            TileRow.Load(ref from, tile.FromStride, out c1L, out c1R);
            TileRow.Load(ref from, tile.FromStride, out c2L, out c2R);
            TileRow.Load(ref from, tile.FromStride, out c3L, out c3R);
        }

        tile.PrefetchResult(4);
        nint row = tile.ARow, step = tile.AStep, twice = 2 * row;
        float* a0 = tile.A;
        float* a3 = a0 + 3 * row;
        float* b = tile.B;
        nint stride = tile.BStride;
        Prefetch next = tile.Next;
        for (nint k = 0; k < tile.Depth; k++)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16);
            Sse.Prefetch1(next.At(k));
            TileRow.Step(*a0, left, right, ref c0L, ref c0R);
            TileRow.Step(a0[row], left, right, ref c1L, ref c1R);
            TileRow.Step(a0[twice], left, right, ref c2L, ref c2R);
            TileRow.Step(*a3, left, right, ref c3L, ref c3R);
            a0 += step;
            a3 += step;
            b += stride;
        }

        float* to = tile.To, addend = tile.Addend;
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c0L, c0R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c1L, c1R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c2L, c2R);
        TileRow.Store(ref to, tile.ToStride, ref addend, tile.AddendStride, c3L, c3R);
    }

    /// <summary>
    /// 12 rows for slivers of at most 16 columns (gates, last columns): half of the multiplications. It does not write the right half of the micro-tile,
    /// so its result is never stored to C directly.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run12Narrow(in MicroTile tile)
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default;
        Vector512<float> c4 = default, c5 = default, c6 = default, c7 = default;
        Vector512<float> c8 = default, c9 = default, c10 = default, c11 = default;
        if (tile.From != null)
        {
            float* from = tile.From;
            c0 = TileRow.LoadLeft(ref from, tile.FromStride);
            c1 = TileRow.LoadLeft(ref from, tile.FromStride);
            c2 = TileRow.LoadLeft(ref from, tile.FromStride);
            c3 = TileRow.LoadLeft(ref from, tile.FromStride);
            c4 = TileRow.LoadLeft(ref from, tile.FromStride);
            c5 = TileRow.LoadLeft(ref from, tile.FromStride);
            c6 = TileRow.LoadLeft(ref from, tile.FromStride);
            c7 = TileRow.LoadLeft(ref from, tile.FromStride);
            c8 = TileRow.LoadLeft(ref from, tile.FromStride);
            c9 = TileRow.LoadLeft(ref from, tile.FromStride);
            c10 = TileRow.LoadLeft(ref from, tile.FromStride);
            c11 = TileRow.LoadLeft(ref from, tile.FromStride);
        }

        nint row = tile.ARow, step = tile.AStep, twice = 2 * row;
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
        TileRow.StoreLeft(ref to, tile.ToStride, c0);
        TileRow.StoreLeft(ref to, tile.ToStride, c1);
        TileRow.StoreLeft(ref to, tile.ToStride, c2);
        TileRow.StoreLeft(ref to, tile.ToStride, c3);
        TileRow.StoreLeft(ref to, tile.ToStride, c4);
        TileRow.StoreLeft(ref to, tile.ToStride, c5);
        TileRow.StoreLeft(ref to, tile.ToStride, c6);
        TileRow.StoreLeft(ref to, tile.ToStride, c7);
        TileRow.StoreLeft(ref to, tile.ToStride, c8);
        TileRow.StoreLeft(ref to, tile.ToStride, c9);
        TileRow.StoreLeft(ref to, tile.ToStride, c10);
        TileRow.StoreLeft(ref to, tile.ToStride, c11);
    }
}
