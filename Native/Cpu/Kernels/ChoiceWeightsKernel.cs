using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The scores of the chosen columns, divided by their sum if so wished.</summary>
internal readonly unsafe struct ChoiceWeightsKernel(
    Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> weights) : IRangeBody
{
    /// <summary>The sum of the chosen scores, in choice order.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static float Sum(float* scores, int* chosen, int k)
    {
        float sum = 0f;
        for (int j = 0; j < k; j++)
        {
            sum += chosen[j] < 0 ? 0f : scores[chosen[j]];
        }

        return sum;
    }

    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            float* score = scores.Row(row), weight = weights.Pointer + (nint)row * k;
            int* chosen = choices.Pointer + (nint)row * k;
            float denominator = renormalise ? MathF.Max(Sum(score, chosen, k), epsilon) : 1f;
            for (int j = 0; j < k; j++)
            {
                weight[j] = chosen[j] < 0 ? 0f : score[chosen[j]] / denominator;
            }
        }
    }
}
