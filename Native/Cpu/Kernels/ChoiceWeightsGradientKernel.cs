using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// Gradient of the chosen weights by all scores of the row: with the sum S as denominator, ds = (dw − Σ dw·w)/S; where
/// epsilon stood in for S, and without renormalising, the denominator is a constant.
/// </summary>
internal readonly unsafe struct ChoiceWeightsGradientKernel(
    Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> dWeights, Matrix dScores) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            new Span<float>(dScores.Row(row), dScores.Columns).Clear();
            AddChosen(scores.Row(row), choices.Pointer + (nint)row * k, dWeights.Pointer + (nint)row * k, dScores.Row(row));
        }
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
