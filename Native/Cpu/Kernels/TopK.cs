using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// The k best columns of each row, by k scans: each finds the best that comes after the one found before, in the order
/// "higher score, then lower column". That order excludes what has been chosen, so a row needs no marks and no copy.
/// A NaN counts as −∞.
/// </summary>
internal readonly unsafe struct TopKKernel(
    Matrix scores, DeviceSpan<float> bias, DeviceSpan<int> valid, int k, DeviceSpan<int> choices) : IRowKernel
{
    private static Vector512<float> Lowest => Vector512.Create(float.NegativeInfinity);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int* chosen = choices.Pointer + (nint)row * k;
        if (!valid.IsEmpty && valid.Pointer[row] == 0)
        {
            new Span<int>(chosen, k).Fill(-1);
            return;
        }

        float score = float.PositiveInfinity;
        int column = -1;
        for (int j = 0; j < k; j++)
        {
            column = Next(scores.Row(row), ref score, column);
            chosen[j] = column;
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

/// <summary>
/// Keeps the best groups of each row. Like top-k it scans once per kept group for the best that comes after the one found
/// before, in the order "worth more, then lower group", so that nothing is marked or copied. A NaN counts as −∞.
/// </summary>
internal readonly unsafe struct MaskGroupsKernel(Matrix scores, DeviceSpan<float> bias, int groups, int kept, Matrix masked) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int members = scores.Columns / groups;
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

/// <summary>Puts a drawn column at the second place of each row's choices; those from there on move back by one, up to where it was.</summary>
internal readonly unsafe struct DrawSecondKernel(Matrix logits, Matrix scores, ulong key, float scale, int k, DeviceSpan<int> choices) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        var chosen = new Span<int>(choices.Pointer + (nint)row * k, k);
        if (chosen[0] < 0 || Draw(row, chosen[0]) is not (>= 0 and int drawn))
        {
            return;
        }

        int place = chosen.IndexOf(drawn);
        chosen[1..(place < 0 ? k - 1 : place)].CopyTo(chosen[2..]);
        chosen[1] = drawn;
    }

    /// <summary>The column with the highest noisy logit of those that may be chosen; −1 for none.</summary>
    private int Draw(int row, int first)
    {
        ulong stream = CounterRandom.Next(key, (ulong)row);
        float* logit = logits.Row(row), score = scores.Row(row);
        int best = -1;
        double highest = double.NegativeInfinity;
        for (int column = 0; column < logits.Columns; column++)
        {
            if (column == first || !(score[column] > float.NegativeInfinity))
            {
                continue;
            }

            double value = logit[column] - scale * Math.Log(-Math.Log(CounterRandom.Uniform(stream, (ulong)column)));
            if (value > highest)
            {
                (best, highest) = (column, value);
            }
        }

        return best;
    }
}
