using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// Packs 32 columns of B as [k][32]. Columns that B has too few are zero; their chains are thrown away.
/// </summary>
internal static unsafe class SliverPacker
{
    private const int Width = Blocking.SliverColumns;

    /// <summary>Packs columns [j, j + columns) and k in [k, k + depth) of B.</summary>
    public static void Pack(in GemmProduct product, int j, int columns, int k, int depth, float* sliver)
    {
        if (product.BTransposed)
        {
            Turn(product.B + j * product.BStride + k, product.BStride, columns, depth, sliver);
        }
        else
        {
            Copy(product.B + k * product.BStride + j, product.BStride, columns, depth, sliver);
        }
    }

    /// <summary>The lines of a sliver of B for the kernel of panel <paramref name="panel"/> to prefetch: two panels share them.</summary>
    public static Prefetch Prefetch(in GemmProduct product, int j, int k, int depth, int panel)
    {
        if (panel > 1)
        {
            return default;
        }

        if (product.BTransposed)
        {
            // The first panel takes the first half of k, line by line down the 32 stored rows.
            return new Prefetch
            {
                Start = product.B + j * product.BStride + k + panel * depth / 2,
                Stride = product.BStride,
                RunBits = 5,
                RunStride = 16,
            };
        }

        return new Prefetch
        {
            Start = product.B + k * product.BStride + j + panel * 16,
            Stride = product.BStride,
            RunBits = 30,
        };
    }

    /// <summary>B is stored by rows: each step of k is a copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* source, nint stride, int columns, int depth, float* sliver)
    {
        if (columns == Width)
        {
            for (int k = 0; k < depth; k++, source += stride, sliver += Width)
            {
                Vector256.Load(source).Store(sliver);
                Vector256.Load(source + 8).Store(sliver + 8);
                Vector256.Load(source + 16).Store(sliver + 16);
                Vector256.Load(source + 24).Store(sliver + 24);
            }

            return;
        }

        for (int k = 0; k < depth; k++, source += stride, sliver += Width)
        {
            Vector512<float>.Zero.Store(sliver);
            Vector512<float>.Zero.Store(sliver + 16);
            for (int j = 0; j < columns; j++)
            {
                sliver[j] = source[j];
            }
        }
    }

    /// <summary>B is stored by columns: blocks of 16 × 16 are transposed in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(float* source, nint stride, int columns, int depth, float* sliver)
    {
        if (Transpose16.IsSupported && depth >= 16)
        {
            int right = Math.Max(0, columns - 16);
            for (int k = 0; k < depth; k += 16)
            {
                // The last block starts earlier and writes some elements again, with the same values.
                int at = Math.Min(k, depth - 16);
                Transpose16.Run(source + at, stride, columns, sliver + at * Width, Width);
                Transpose16.Run(source + 16 * stride + at, stride, right, sliver + at * Width + 16, Width);
            }

            return;
        }

        for (int j = 0; j < Width; j++)
        {
            for (int k = 0; k < depth; k++)
            {
                sliver[k * Width + j] = j < columns ? source[j * stride + k] : 0f;
            }
        }
    }
}
