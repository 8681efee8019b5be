using System.Runtime.CompilerServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The scores of the chosen columns, divided by their sum when renormalised.</summary>
internal readonly unsafe struct ChoiceWeightsKernel(
    Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> weights) : IRowKernel
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
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

/// <summary>
/// Gradient of the chosen weights by all scores of the row: with the sum S as denominator, ds = (dw − Σ dw·w)/S; where
/// epsilon stood in for S, and without renormalising, the denominator is a constant.
/// </summary>
internal readonly unsafe struct ChoiceWeightsGradientKernel(
    Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> dWeights, Matrix dScores) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        new Span<float>(dScores.Row(row), dScores.Columns).Clear();
        AddChosen(scores.Row(row), choices.Pointer + (nint)row * k, dWeights.Pointer + (nint)row * k, dScores.Row(row));
    }

    [MethodImpl(Compilation.AtOnce)]
    private void AddChosen(float* score, int* chosen, float* dWeight, float* gradient)
    {
        float denominator = 1f, mean = 0f;
        if (renormalise)
        {
            float sum = ChoiceWeightsKernel.Sum(score, chosen, k);
            denominator = MathF.Max(sum, epsilon);
            for (int j = 0; sum > epsilon && j < k; j++)
            {
                mean = chosen[j] < 0 ? mean : MathF.FusedMultiplyAdd(dWeight[j], score[chosen[j]] / denominator, mean);
            }
        }

        for (int j = 0; j < k; j++)
        {
            if (chosen[j] >= 0)
            {
                gradient[chosen[j]] += (dWeight[j] - mean) / denominator;
            }
        }
    }
}
