using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// Packs a block of A into panels, [k][rows of the kernel] each: the micro-kernel then reads A in one ascending stream. Rows
/// that a panel has too many are zero; their chains are thrown away.
/// </summary>
internal static unsafe class PanelPacker
{
    /// <summary>Elements that a packer may write past the end of a block (whole vectors are stored).</summary>
    public const int Slack = 16;

    /// <summary>Rows of the kernel that takes the next panel when <paramref name="left"/> rows are left.</summary>
    public static int KernelRows(int left) => left > 8 ? 12 : left > 4 ? 8 : 4;

    /// <summary>Packs rows [i, i + rows) and k in [k, k + depth) of A.</summary>
    public static void Pack(in GemmProduct product, int i, int rows, int k, int depth, float* panel)
    {
        while (rows > 0)
        {
            int height = KernelRows(rows);
            int valid = Math.Min(rows, height);
            if (product.ATransposed)
            {
                Copy(product.A + k * product.AStride + i, product.AStride, valid, height, depth, panel);
            }
            else
            {
                Turn(product.A + i * product.AStride + k, product.AStride, valid, height, depth, panel);
            }

            panel += (nint)height * depth;
            i += height;
            rows -= height;
        }
    }

    /// <summary>A is stored by rows: blocks of 16 k are transposed in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(float* source, nint stride, int valid, int height, int depth, float* panel)
    {
        if (Transpose16.IsSupported && depth >= 16)
        {
            int k = 0;
            for (; k <= depth - 16; k += 16)
            {
                Transpose16.Run(source + k, stride, valid, panel + k * height, height);
            }

            if (k < depth)
            {
                // The last block starts earlier and writes some elements again, with the same values.
                k = depth - 16;
                Transpose16.Run(source + k, stride, valid, panel + k * height, height);
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

    /// <summary>A is stored by columns: each step of k is a copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* source, nint stride, int valid, int height, int depth, float* panel)
    {
        if (valid < height)
        {
            for (int k = 0; k < depth; k++, source += stride, panel += height)
            {
                for (int r = 0; r < height; r++)
                {
                    panel[r] = r < valid ? source[r] : 0f;
                }
            }
        }
        else if (height == 12)
        {
            for (int k = 0; k < depth; k++, source += stride, panel += 12)
            {
                Vector256.Load(source).Store(panel);
                Vector128.Load(source + 8).Store(panel + 8);
            }
        }
        else if (height == 8)
        {
            for (int k = 0; k < depth; k++, source += stride, panel += 8)
            {
                Vector256.Load(source).Store(panel);
            }
        }
        else
        {
            for (int k = 0; k < depth; k++, source += stride, panel += 4)
            {
                Vector128.Load(source).Store(panel);
            }
        }
    }
}
