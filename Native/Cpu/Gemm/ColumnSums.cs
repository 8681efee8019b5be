using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>Adds sums over rows, each taken from zero in row order. Threads split the columns.</summary>
internal readonly unsafe struct ColumnSums(Matrix y, DeviceSpan<float> sums) : IRangeBody
{
    /// <summary>Columns below which a thread is not worth waking.</summary>
    public static int Grain(int rows) => (1 << 16) / Math.Max(rows, 1) + 64;

    public void Run(int start, int end)
    {
        int j = start;
        for (; j <= end - 64; j += 64)
        {
            Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
            float* source = y.Data.Pointer + j;
            for (int i = 0; i < y.Rows; i++, source += y.Stride)
            {
                s0 += Vector512.Load(source);
                s1 += Vector512.Load(source + 16);
                s2 += Vector512.Load(source + 32);
                s3 += Vector512.Load(source + 48);
            }

            float* to = sums.Pointer + j;
            (Vector512.Load(to) + s0).Store(to);
            (Vector512.Load(to + 16) + s1).Store(to + 16);
            (Vector512.Load(to + 32) + s2).Store(to + 32);
            (Vector512.Load(to + 48) + s3).Store(to + 48);
        }

        // The same additions one column at a time: without a multiplication there is nothing to fuse, so the bits are the same.
        for (; j < end; j++)
        {
            float sum = 0;
            float* source = y.Data.Pointer + j;
            for (int i = 0; i < y.Rows; i++, source += y.Stride)
            {
                sum += *source;
            }

            sums.Pointer[j] += sum;
        }
    }
}
