using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Gates, and the permutation of rows to experts and back.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName SoftmaxKernel = new("softmax", "softmax");
    private static readonly KernelName SoftmaxGradientKernel = new("softmax", "softmax_gradient");
    private static readonly KernelName SigmoidKernel = new("softmax", "sigmoid");
    private static readonly KernelName TopKKernel = new("routing", "top_k");
    private static readonly KernelName ChoiceWeightsKernel = new("routing", "choice_weights");
    private static readonly KernelName ChoiceWeightsGradientKernel = new("routing", "choice_weights_gradient");
    private static readonly KernelName ScoreFactorsKernel = new("routing", "score_factors");
    private static readonly KernelName ScoreSumsKernel = new("routing", "score_sums");
    private static readonly KernelName ScoreSumsGradientKernel = new("routing", "score_sums_gradient");
    private static readonly KernelName ZLossGradientKernel = new("routing", "z_loss_gradient");
    private static readonly TypedKernel GatherRowsKernel = new("rows", "gather_rows");
    private static readonly TypedKernel CombineRowsKernel = new("rows", "combine_rows");
    private static readonly TypedKernel CombineRowsGradientKernel = new("rows", "combine_rows_gradient");

    /// <inheritdoc />
    public void Softmax(in Matrix logits, in Matrix probabilities, DeviceSpan<float> logSumExp)
    {
        Operands.SameShape(probabilities, logits);
        Operands.HasLengthOrIsEmpty(logSumExp, logits.Rows);
        Launch(SoftmaxKernel, LaunchShapes.Rows(logits.Rows, logits.Columns), new SoftmaxParameters(logits, probabilities, Optional(logSumExp)));
    }

    /// <inheritdoc />
    public void SoftmaxGradient(in Matrix probabilities, in Matrix dProbabilities, in Matrix dLogits)
    {
        Operands.SameShape(dProbabilities, probabilities);
        Operands.SameShape(dLogits, probabilities);
        Launch(
            SoftmaxGradientKernel, LaunchShapes.Rows(dLogits.Rows, dLogits.Columns),
            new SoftmaxGradientParameters(probabilities, dProbabilities, dLogits));
    }

    /// <inheritdoc />
    public void Sigmoid(in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp)
    {
        Operands.SameShape(scores, logits);
        Operands.HasLengthOrIsEmpty(logSumExp, logits.Rows);
        Launch(SigmoidKernel, LaunchShapes.Rows(logits.Rows, logits.Columns), new SoftmaxParameters(logits, scores, Optional(logSumExp)));
    }

    /// <inheritdoc />
    public void TopK(in Matrix scores, DeviceSpan<float> bias, DeviceSpan<int> valid, int k, DeviceSpan<int> choices)
    {
        Operands.RowMajor(scores);
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, scores.Columns);
        Operands.HasLengthOrIsEmpty(bias, scores.Columns);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(choices, (long)scores.Rows * k);
        Launch(
            TopKKernel, LaunchShapes.WarpRows(scores.Rows), new TopKParameters(scores, Optional(bias), Optional(valid), choices.Address, k));
    }

    /// <inheritdoc />
    public void ChoiceWeights(in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> weights)
    {
        Operands.RowMajor(scores);
        Operands.HasLength(choices, (long)scores.Rows * k);
        Operands.HasLength(weights, (long)scores.Rows * k);
        Launch(
            ChoiceWeightsKernel, LaunchShapes.Items(scores.Rows, 128),
            new ChoiceWeightsParameters(scores, choices.Address, weights.Address, k, Flag(renormalise), epsilon));
    }

    /// <inheritdoc />
    public void ChoiceWeightsGradient(
        in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> dWeights, in Matrix dScores)
    {
        Operands.SameShape(dScores, scores);
        Operands.HasLength(choices, (long)scores.Rows * k);
        Operands.HasLength(dWeights, (long)scores.Rows * k);
        Launch(
            ChoiceWeightsGradientKernel, LaunchShapes.WarpRows(scores.Rows),
            new ChoiceWeightsGradientParameters(scores, choices.Address, dWeights.Address, dScores, k, Flag(renormalise), epsilon));
    }

    /// <inheritdoc />
    public void AddScoreSums(in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sums)
    {
        Operands.RowMajor(scores);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(sums, scores.Columns);
        int rows = scores.Rows;
        DeviceSpan<float> scratch = Scratch<float>(rows + (long)LaunchShapes.ChunkCount(rows) * scores.Columns);
        DeviceSpan<float> factors = scratch.Slice(0, rows), chunks = scratch.Slice(rows);
        var parameters = new ScoreSumsParameters(scores, Optional(valid), factors.Address, chunks.Address, Flag(normalise));
        if (normalise)
        {
            Launch(ScoreFactorsKernel, LaunchShapes.Rows(rows, scores.Columns), parameters);
        }

        Launch(ScoreSumsKernel, LaunchShapes.TokenChunks(rows, scores.Columns), parameters);
        AddChunks(chunks, sums);
    }

    /// <inheritdoc />
    public void AddScoreSumsGradient(
        in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sumsGradient, in Matrix dScores)
    {
        Operands.SameShape(dScores, scores);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(sumsGradient, scores.Columns);
        Launch(
            ScoreSumsGradientKernel, LaunchShapes.Rows(scores.Rows, scores.Columns),
            new ScoreSumsGradientParameters(scores, Optional(valid), sumsGradient.Address, dScores, Flag(normalise)));
    }

    /// <inheritdoc />
    public void ZLossGradient(in Matrix logits, DeviceSpan<float> logSumExp, DeviceSpan<int> valid, float factor, in Matrix dLogits)
    {
        Operands.SameShape(dLogits, logits);
        Operands.HasLength(logSumExp, logits.Rows);
        Operands.HasLengthOrIsEmpty(valid, logits.Rows);
        Launch(
            ZLossGradientKernel, LaunchShapes.Rows(logits.Rows, logits.Columns),
            new ZLossGradientParameters(logits, logSumExp.Address, Optional(valid), dLogits, factor));
    }

    /// <inheritdoc />
    public void GatherRows(in Matrix source, DeviceSpan<int> rows, in Matrix destination)
    {
        Operands.RowMajor(source);
        Operands.HasShape(destination, rows.Length, source.Columns);
        Launch(
            GatherRowsKernel.Of(destination.Element), LaunchShapes.Rows(rows.Length, source.Columns),
            new GatherRowsParameters(source, rows.Address, CudaMatrix.Of(destination, destination.Element)));
    }

    /// <inheritdoc />
    public void CombineRows(
        in Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, in Matrix y, Accumulation accumulation)
    {
        Operands.RowMajor(rows);
        Operands.HasShape(y, y.Rows, rows.Columns);
        Operands.HasLength(slots, (long)y.Rows * k);
        Operands.HasLengthOrIsEmpty(weights, slots.Length);
        Launch(
            CombineRowsKernel.Of(rows.Element), LaunchShapes.Rows(y.Rows, y.Columns),
            new CombineRowsParameters(CudaMatrix.Of(rows, rows.Element), slots.Address, Optional(weights), y, k, Flag(accumulation == Accumulation.Add)));
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
        Launch(
            CombineRowsGradientKernel.Of(rows.Element), LaunchShapes.Rows(dy.Rows, dy.Columns),
            new CombineRowsGradientParameters(
                dy, CudaMatrix.Of(rows, rows.Element), slots.Address, weights.Address, CudaMatrix.Of(dRows, rows.Element), dWeights.Address, k));
    }
}
