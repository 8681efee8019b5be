using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

/// <summary>Slots, and what keeps experts equally busy. All of it is short: it runs on the caller's thread.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc />
    public void OrderByScore(DeviceSpan<float> scores, int k, DeviceSpan<int> order)
    {
        Operands.HasLength(scores, (long)order.Length * k);
        Span<ulong> keys = _scratch.Take<ulong>(order.Length).AsSpan();
        for (int row = 0; row < keys.Length; row++)
        {
            keys[row] = RowOrder.ScoreKey(scores.Pointer + (nint)row * k, k, row);
        }

        RowOrder.Sort(keys, order.Pointer);
    }

    /// <inheritdoc />
    public void OrderByChance(ulong key, DeviceSpan<int> order)
    {
        Span<ulong> keys = _scratch.Take<ulong>(order.Length).AsSpan();
        for (int row = 0; row < keys.Length; row++)
        {
            keys[row] = RowOrder.ChanceKey(key, row);
        }

        RowOrder.Sort(keys, order.Pointer);
    }

    /// <inheritdoc />
    public void AssignSlots(DeviceSpan<int> choices, int k, int capacity, DeviceSpan<int> order, DeviceSpan<int> kept, in SlotCounts counts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        int rows = choices.Length / k;
        Operands.HasLength(choices, (long)rows * k);
        Operands.HasLength(kept, choices.Length);
        Operands.HasLengthOrIsEmpty(order, rows);
        Operands.HasLength(counts.All, SlotCounts.LengthFor(counts.Experts), nameof(counts));
        Operands.InRange(choices, -1, counts.Experts);
        Operands.InRange(order, 0, rows);
        new SlotKernel(choices, k, capacity, order, kept, counts).Run(rows);
    }

    /// <inheritdoc />
    public void PlaceRows(
        DeviceSpan<int> choices, DeviceSpan<int> kept, int k, ReadOnlySpan<int> segmentExperts, ReadOnlySpan<int> segmentLengths,
        DeviceSpan<int> slots, DeviceSpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        Operands.HasLength(kept, choices.Length);
        Operands.HasLength(slots, choices.Length);
        if (segmentLengths.Length != segmentExperts.Length)
        {
            throw new ArgumentException($"{segmentExperts.Length} experts of segments have {segmentLengths.Length} lengths.", nameof(segmentLengths));
        }

        ProductShapes.CheckSegments(segmentLengths, tokens.Length);
        int experts = RowPlaces.ExpertsOf(segmentExperts);
        Span<int> scratch = _scratch.Take<int>(RowPlaces.ScratchFor(experts, segmentExperts.Length)).AsSpan();
        var places = new RowPlaces(segmentExperts, segmentLengths, experts, scratch);
        int* choice = choices.Pointer, keeps = kept.Pointer, slot = slots.Pointer, token = tokens.Pointer;
        for (int i = 0; i < choices.Length; i++)
        {
            slot[i] = -1;
            if (keeps[i] == 0)
            {
                continue;
            }

            int place = places.Next(choice[i]);
            if (place < 0)
            {
                throw new ArgumentException($"Expert {choice[i]} keeps more choices than its segments have rows.", nameof(segmentLengths));
            }

            slot[i] = place;
            token[place] = i / k;
        }
    }

    /// <inheritdoc />
    public void ChoiceBalance(DeviceSpan<float> scoreSums, DeviceSpan<int> counts, int tokens, int k, DeviceSpan<double> loss)
    {
        Operands.HasLength(counts, scoreSums.Length);
        Operands.HasLength(loss, 1);
        *loss.Pointer = BalanceMeasures.Choices(scoreSums.AsSpan(), counts.AsSpan(), tokens, (double)tokens * k);
    }

    /// <inheritdoc />
    public void ChoiceBalanceGradient(DeviceSpan<int> counts, int tokens, int k, float factor, DeviceSpan<float> gradient)
    {
        Operands.HasLength(gradient, counts.Length);
        BalanceMeasures.ChoicesGradient(counts.AsSpan(), tokens, (float)((double)tokens * k), factor, gradient.AsSpan());
    }

    /// <inheritdoc />
    public void LoadImportance(DeviceSpan<float> importance, DeviceSpan<float> load, DeviceSpan<double> loss)
    {
        Operands.HasLength(load, importance.Length);
        Operands.HasLength(loss, 1);
        *loss.Pointer = 0.5 * (BalanceMeasures.SquaredVariation(importance.AsSpan()) + BalanceMeasures.SquaredVariation(load.AsSpan()));
    }

    /// <inheritdoc />
    public void SquaredVariationGradient(DeviceSpan<float> values, double factor, DeviceSpan<float> gradient)
    {
        Operands.HasLength(gradient, values.Length);
        BalanceMeasures.SquaredVariationGradient(values.AsSpan(), factor, gradient.AsSpan());
    }

    /// <inheritdoc />
    public void ZLoss(DeviceSpan<float> logSumExp, DeviceSpan<int> valid, int tokens, DeviceSpan<double> loss)
    {
        Operands.HasLengthOrIsEmpty(valid, logSumExp.Length);
        Operands.HasLength(loss, 1);
        *loss.Pointer = BalanceMeasures.MeanSquare(logSumExp.AsSpan(), valid.AsSpan(), tokens);
    }

    /// <inheritdoc />
    public void SumRows(DeviceSpan<float> x, DeviceSpan<int> valid, DeviceSpan<double> sum)
    {
        Operands.HasLengthOrIsEmpty(valid, x.Length);
        Operands.HasLength(sum, 1);
        *sum.Pointer = BalanceMeasures.Sum(x.AsSpan(), valid.AsSpan());
    }

    /// <inheritdoc />
    public void AddCounts(DeviceSpan<int> counts, DeviceSpan<float> sums)
    {
        Operands.HasLength(sums, counts.Length);
        for (int e = 0; e < counts.Length; e++)
        {
            sums.Pointer[e] += counts.Pointer[e];
        }
    }

    /// <inheritdoc />
    public void MoveBias(DeviceSpan<float> counts, float rate, DeviceSpan<float> bias)
    {
        Operands.HasLength(bias, counts.Length);
        BalanceMeasures.MoveBias(counts.AsSpan(), rate, bias.AsSpan());
    }
}
