using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// Packs a block of A into panels, [k][rows of the kernel] each: the micro-kernel then reads A in one ascending stream. Rows
/// of a panel beyond those of A are zero; their chains are discarded.
/// </summary>
internal static unsafe class PanelPacker
{
    /// <summary>Elements that a packer may write past the end of a block (whole vectors are stored).</summary>
    public const int Slack = 16;

    /// <summary>Steps of k that are copied for all panels before the next: few enough rows of A for the first-level TLB.</summary>
    private const int CopyDepth = 16;

    /// <summary>Packs rows [i, i + rows) and k in [k, k + depth) of A.</summary>
    public static void Pack(in GemmProduct product, int i, int rows, int k, int depth, float* panels)
    {
        if (!product.ATransposed)
        {
            float* source = product.A + i * product.AStride + k;
            for (int row = 0; row < rows;)
            {
                int height = MicroKernel.Rows(rows - row);
                Turn(source + row * product.AStride, product.AStride, Math.Min(rows - row, height), height, depth, panels);
                panels += (nint)height * depth;
                row += height;
            }

            return;
        }

        for (int done = 0; done < depth; done += CopyDepth)
        {
            int steps = Math.Min(CopyDepth, depth - done);
            Copy(product.A + (k + done) * product.AStride + i, product.AStride, rows, steps, panels, done, depth);
        }
    }

    /// <summary>A is stored by rows: blocks of 16 k are transposed in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(float* source, nint stride, int valid, int height, int depth, float* panel)
    {
        if (Transpose16.IsSupported && depth >= 16)
        {
            for (int k = 0; k < depth; k += 16)
            {
                // The last block starts earlier and writes some elements again, with the same values.
                int at = Math.Min(k, depth - 16);
                Transpose16.Run(source + at, stride, valid, panel + at * height, height);
            }

            return;
        }

        for (int r = 0; r < height; r++)
        {
            for (int k = 0; k < depth; k++)
            {
                panel[k * height + r] = r < valid ? source[r * stride + k] : 0f;
            }
        }
    }

    /// <summary>A is stored by columns: a few steps of k are copied to their place in every panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* source, nint stride, int rows, int steps, float* panels, int done, int depth)
    {
        for (int row = 0; row < rows;)
        {
            int height = MicroKernel.Rows(rows - row);
            int valid = Math.Min(rows - row, height);
            float* from = source + row;
            float* to = panels + (nint)done * height;
            for (int k = 0; k < steps; k++, from += stride, to += height)
            {
                if (valid < height)
                {
                    for (int r = 0; r < height; r++)
                    {
                        to[r] = r < valid ? from[r] : 0f;
                    }
                }
                else if (height == 12)
                {
                    Vector256.Load(from).Store(to);
                    Vector128.Load(from + 8).Store(to + 8);
                }
                else if (height == 8)
                {
                    Vector256.Load(from).Store(to);
                }
                else
                {
                    Vector128.Load(from).Store(to);
                }
            }

            panels += (nint)height * depth;
            row += height;
        }
    }
}

/// <summary>
/// Packs 32 columns of B as [k][32]. Columns beyond those of B are zero; their chains are discarded.
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
