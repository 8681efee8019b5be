using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>One AdamW update of a range of elements.</summary>
internal readonly unsafe struct AdamWKernel(
    AdamWUpdate update, DeviceSpan<float> parameter, DeviceSpan<float> gradient, DeviceSpan<float> firstMoment,
    DeviceSpan<float> secondMoment) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* p = parameter.Pointer, g = gradient.Pointer, m = firstMoment.Pointer, v = secondMoment.Pointer;
        Vector512<float> beta1 = Vector512.Create(update.Beta1), beta2 = Vector512.Create(update.Beta2);
        Vector512<float> fresh1 = Vector512.Create((float)(1.0 - update.Beta1)), fresh2 = Vector512.Create((float)(1.0 - update.Beta2));
        Vector512<float> correction1 = Correction(update.Beta1), correction2 = Correction(update.Beta2);
        Vector512<float> scale = Vector512.Create(update.GradientScale), epsilon = Vector512.Create(update.Epsilon);
        Vector512<float> decay = Vector512.Create(update.WeightDecay), step = Vector512.Create(-update.LearningRate);

        for (nint i = start; i < end; i += Lanes.Count)
        {
            int left = (int)(end - i);
            Vector512<float> scaled = Lanes.Load(g + i, left) * scale;
            Vector512<float> first = Vector512.FusedMultiplyAdd(beta1, Lanes.Load(m + i, left), fresh1 * scaled);
            Vector512<float> second = Vector512.FusedMultiplyAdd(beta2, Lanes.Load(v + i, left), fresh2 * scaled * scaled);
            Vector512<float> value = Lanes.Load(p + i, left);
            Vector512<float> direction = first * correction1 / (Vector512.Sqrt(second * correction2) + epsilon);
            direction = Vector512.FusedMultiplyAdd(decay, value, direction);
            Lanes.Store(m + i, first, left);
            Lanes.Store(v + i, second, left);
            Lanes.Store(p + i, Vector512.FusedMultiplyAdd(step, direction, value), left);
        }
    }

    /// <summary>1/(1 − βᵗ): corrects a moment's bias towards its initial zero.</summary>
    private Vector512<float> Correction(float beta) => Vector512.Create((float)(1.0 / (1.0 - Math.Pow(beta, update.Step))));
}

/// <summary>The sum of squares of each chunk of elements, in double. A float's square is exact there.</summary>
internal readonly unsafe struct SumOfSquaresKernel(DeviceSpan<float> x, DeviceSpan<double> sums) : IRowKernel
{
    /// <summary>Elements of a chunk; part of the numeric contract.</summary>
    public const int Chunk = 4096;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int chunk)
    {
        nint first = (nint)chunk * Chunk;
        sums.Pointer[chunk] = Sum(x.Pointer + first, (int)Math.Min(Chunk, x.Length - first));
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
