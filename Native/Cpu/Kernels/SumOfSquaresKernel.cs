using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The sum of squares of each chunk of elements, in double. A float's square is exact there.</summary>
internal readonly unsafe struct SumOfSquaresKernel(DeviceSpan<float> x, DeviceSpan<double> sums) : IRangeBody
{
    /// <summary>Elements of a chunk; part of the numeric contract.</summary>
    public const int Chunk = 4096;

    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int chunk = start; chunk < end; chunk++)
        {
            nint first = (nint)chunk * Chunk;
            sums.Pointer[chunk] = Sum(x.Pointer + first, (int)Math.Min(Chunk, x.Length - first));
        }
    }

    [MethodImpl(Compilation.AtOnce)]
    private static double Sum(float* x, int count)
    {
        Vector512<double> lower = Vector512<double>.Zero, upper = lower;
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> values = Lanes.Load(x + i, count - i);
            Vector512<double> low = Vector512.WidenLower(values), high = Vector512.WidenUpper(values);
            lower = Vector512.FusedMultiplyAdd(low, low, lower);
            upper = Vector512.FusedMultiplyAdd(high, high, upper);
        }

        return Lanes.Sum(lower + upper);
    }
}
