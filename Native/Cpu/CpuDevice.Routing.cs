using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

/// <summary>Gates, and the permutation of rows to experts and back.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc />
    public void Softmax(in Matrix logits, in Matrix probabilities, DeviceSpan<float> logSumExp)
    {
        Operands.SameShape(probabilities, logits);
        Operands.HasLengthOrIsEmpty(logSumExp, logits.Rows);
        ForRows(logits.Rows, logits.Columns, new SoftmaxKernel(logits, probabilities, logSumExp));
    }

    /// <inheritdoc />
    public void SoftmaxGradient(in Matrix probabilities, in Matrix dProbabilities, in Matrix dLogits)
    {
        Operands.SameShape(dProbabilities, probabilities);
        Operands.SameShape(dLogits, probabilities);
        ForRows(dLogits.Rows, dLogits.Columns, new SoftmaxGradientKernel(probabilities, dProbabilities, dLogits));
    }

    /// <inheritdoc />
    public void Sigmoid(in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp)
    {
        Operands.SameShape(scores, logits);
        Operands.HasLengthOrIsEmpty(logSumExp, logits.Rows);
        ForRows(logits.Rows, logits.Columns, new SigmoidKernel(logits, scores, logSumExp));
    }

    /// <inheritdoc />
    public void SigmoidGradient(in Matrix scores, in Matrix dScores, in Matrix dLogits) => Elementwise<SigmoidSlope>(scores, dScores, dLogits);

    /// <inheritdoc />
    public void TopK(in Matrix scores, DeviceSpan<float> bias, DeviceSpan<int> valid, int k, DeviceSpan<int> choices)
    {
        Operands.RowMajor(scores);
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, scores.Columns);
        Operands.HasLengthOrIsEmpty(bias, scores.Columns);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(choices, (long)scores.Rows * k);
        ForRows(scores.Rows, scores.Columns * k, new TopKKernel(scores, bias, valid, k, choices));
    }

    /// <inheritdoc />
    public void ChoiceWeights(in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> weights)
    {
        Operands.RowMajor(scores);
        Operands.HasLength(choices, (long)scores.Rows * k);
        Operands.HasLength(weights, (long)scores.Rows * k);
        Operands.InRange(choices, -1, scores.Columns);
        ForRows(scores.Rows, k, new ChoiceWeightsKernel(scores, choices, k, renormalise, epsilon, weights));
    }

    /// <inheritdoc />
    public void ChoiceWeightsGradient(
        in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> dWeights, in Matrix dScores)
    {
        Operands.SameShape(dScores, scores);
        Operands.HasLength(choices, (long)scores.Rows * k);
        Operands.HasLength(dWeights, (long)scores.Rows * k);
        Operands.InRange(choices, -1, scores.Columns);
        ForRows(
            scores.Rows, scores.Columns,
            new ChoiceWeightsGradientKernel(scores, choices, k, renormalise, epsilon, dWeights, dScores));
    }

    /// <inheritdoc />
    public void AddScoreSums(in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sums)
    {
        Operands.RowMajor(scores);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(sums, scores.Columns);
        SumTokens(new ScoreTerm(scores, valid, normalise), sums);
    }

    /// <inheritdoc />
    public void AddScoreSumsGradient(
        in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sumsGradient, in Matrix dScores)
    {
        Operands.SameShape(dScores, scores);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(sumsGradient, scores.Columns);
        ForRows(scores.Rows, scores.Columns, new ScoreSumsGradientKernel(scores, valid, normalise, sumsGradient, dScores));
    }

    /// <inheritdoc />
    public void ZLossGradient(in Matrix logits, DeviceSpan<float> logSumExp, DeviceSpan<int> valid, float factor, in Matrix dLogits)
    {
        Operands.SameShape(dLogits, logits);
        Operands.HasLength(logSumExp, logits.Rows);
        Operands.HasLengthOrIsEmpty(valid, logits.Rows);
        ForRows(logits.Rows, logits.Columns, new ZLossGradientKernel(logits, logSumExp, valid, factor, dLogits));
    }

    /// <inheritdoc />
    public void GatherRows(in Matrix source, DeviceSpan<int> rows, in Matrix destination)
    {
        Operands.RowMajor(source);
        Operands.HasShape(destination, rows.Length, source.Columns);
        Operands.InRange(rows, 0, source.Rows);
        ForRows(rows.Length, source.Columns, new GatherRowsKernel(source, rows, destination));
    }

    /// <inheritdoc />
    public void CombineRows(
        in Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, in Matrix y, Accumulation accumulation)
    {
        Operands.RowMajor(rows);
        Operands.HasShape(y, y.Rows, rows.Columns);
        Operands.HasLength(slots, (long)y.Rows * k);
        Operands.HasLengthOrIsEmpty(weights, slots.Length);
        Operands.InRange(slots, -1, rows.Rows);
        ForRows(y.Rows, y.Columns * Math.Max(1, k), new CombineRowsKernel(rows, slots, k, weights, y, accumulation));
    }

    /// <inheritdoc />
    public void CombineRowsGradient(
        in Matrix dy, in Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, in Matrix dRows, DeviceSpan<float> dWeights)
    {
        Operands.SameShape(dRows, rows);
        Operands.HasShape(dy, dy.Rows, rows.Columns);
        Operands.HasLength(slots, (long)dy.Rows * k);
        Operands.HasLength(weights, slots.Length);
        Operands.HasLength(dWeights, slots.Length);
        Operands.InRange(slots, -1, rows.Rows);
        ForRows(dy.Rows, dy.Columns * Math.Max(1, k), new CombineRowsGradientKernel(dy, rows, slots, k, weights, dRows, dWeights));
    }
}
