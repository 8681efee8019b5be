using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// Gradient of a sum of scores over tokens: every token that takes part gets the sums' gradient g, or, where scores were
/// divided by their sum S, (g − Σ g·p)/S.
/// </summary>
internal readonly unsafe struct ScoreSumsGradientKernel(
    Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sumsGradient, Matrix dScores) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* g = sumsGradient.Pointer;
        int columns = scores.Columns;
        for (int row = start; row < end; row++)
        {
            if (!valid.IsEmpty && valid.Pointer[row] == 0)
            {
                continue;
            }

            float factor = 1f, mean = 0f;
            if (normalise)
            {
                factor = 1f / RowReduction.Sum(scores.Row(row), columns);
                mean = RowReduction.Dot(g, scores.Row(row), columns) * factor;
            }

            float* to = dScores.Row(row);
            Vector512<float> factors = Vector512.Create(factor), means = Vector512.Create(mean);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Lanes.Store(to + i, Lanes.Load(to + i, left) + (Lanes.Load(g + i, left) - means) * factors, left);
            }
        }
    }
}
