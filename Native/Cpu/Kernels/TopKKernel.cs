using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// The k best columns of each row, by k scans: each finds the best that comes after the one found before, in the order
/// "higher score, then lower column". That order excludes what has been chosen, so a row needs no marks and no copy.
/// A NaN counts as −∞.
/// </summary>
internal readonly unsafe struct TopKKernel(
    Matrix scores, DeviceSpan<float> bias, DeviceSpan<int> valid, int k, DeviceSpan<int> choices) : IRangeBody
{
    private static Vector512<float> Lowest => Vector512.Create(float.NegativeInfinity);

    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            int* chosen = choices.Pointer + (nint)row * k;
            if (!valid.IsEmpty && valid.Pointer[row] == 0)
            {
                new Span<int>(chosen, k).Fill(-1);
                continue;
            }

            float score = float.PositiveInfinity;
            int column = -1;
            for (int j = 0; j < k; j++)
            {
                column = Next(scores.Row(row), ref score, column);
                chosen[j] = column;
            }
        }
    }

    /// <summary>The best column after (<paramref name="score"/>, <paramref name="column"/>); its score replaces <paramref name="score"/>.</summary>
    [MethodImpl(Compilation.AtOnce)]
    private int Next(float* row, ref float score, int column)
    {
        Vector512<float> lastScore = Vector512.Create(score), bestScore = Lowest;
        Vector512<int> lastColumn = Vector512.Create(column), none = Vector512.Create(int.MaxValue), bestColumn = none;
        for (int i = 0; i < scores.Columns; i += Lanes.Count)
        {
            int left = scores.Columns - i;
            Vector512<float> value = Lanes.Load(row + i, left);
            if (!bias.IsEmpty)
            {
                value += Lanes.Load(bias.Pointer + i, left);
            }

            value = Vector512.ConditionalSelect(Vector512.Equals(value, value), value, Lowest);
            Vector512<int> columns = Vector512<int>.Indices + Vector512.Create(i);
            Vector512<int> after = Vector512.LessThan(value, lastScore).AsInt32()
                | Vector512.Equals(value, lastScore).AsInt32() & Vector512.GreaterThan(columns, lastColumn);
            Vector512<int> better = Vector512.GreaterThan(value, bestScore).AsInt32() | Vector512.Equals(bestColumn, none);
            Vector512<int> take = after & better & Vector512.LessThan(columns, Vector512.Create(scores.Columns));
            bestScore = Vector512.ConditionalSelect(take.AsSingle(), value, bestScore);
            bestColumn = Vector512.ConditionalSelect(take, columns, bestColumn);
        }

        // Lanes that found nothing hold −∞ and the column "none", which is higher than any.
        score = Lanes.Max(bestScore);
        Vector512<int> atBest = Vector512.Equals(bestScore, Vector512.Create(score)).AsInt32();
        return Lanes.Min(Vector512.ConditionalSelect(atBest, bestColumn, none));
    }
}
