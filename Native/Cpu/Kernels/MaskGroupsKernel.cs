using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// Keeps the best groups of each row. Like top-k it scans once per kept group for the best that comes after the one found
/// before, in the order "worth more, then lower group", so that nothing is marked or copied. A NaN counts as −∞.
/// </summary>
internal readonly unsafe struct MaskGroupsKernel(Matrix scores, DeviceSpan<float> bias, int groups, int kept, Matrix masked) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int members = scores.Columns / groups;
        for (int row = start; row < end; row++)
        {
            float* score = scores.Row(row), to = masked.Row(row);
            new Span<float>(to, scores.Columns).Fill(float.NegativeInfinity);
            float worth = float.PositiveInfinity;
            int group = -1;
            for (int j = 0; j < kept; j++)
            {
                group = Next(score, members, ref worth, group);
                for (int column = group * members; column < (group + 1) * members; column++)
                {
                    to[column] = Value(score, column);
                }
            }
        }
    }

    /// <summary>The best group after (<paramref name="worth"/>, <paramref name="group"/>); its worth replaces <paramref name="worth"/>.</summary>
    [MethodImpl(Compilation.AtOnce)]
    private int Next(float* score, int members, ref float worth, int group)
    {
        int best = -1;
        float bestWorth = float.NegativeInfinity;
        for (int g = 0; g < groups; g++)
        {
            float value = Worth(score, g * members, members);
            bool after = value < worth || (value == worth && g > group);
            if (after && (best < 0 || value > bestWorth))
            {
                (best, bestWorth) = (g, value);
            }
        }

        worth = bestWorth;
        return best;
    }

    private float Worth(float* score, int first, int members)
    {
        float best = float.NegativeInfinity, second = float.NegativeInfinity;
        for (int column = first; column < first + members; column++)
        {
            float value = Value(score, column);
            second = value > best ? best : MathF.Max(second, value);
            best = value > best ? value : best;
        }

        return members > 1 ? Number(best + second) : best;
    }

    private float Value(float* score, int column) => Number(bias.IsEmpty ? score[column] : score[column] + bias.Pointer[column]);

    private static float Number(float value) => float.IsNaN(value) ? float.NegativeInfinity : value;
}
