using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.DryRun;

/// <summary>The operations that have no effect.</summary>
public sealed partial class DryRunDevice
{
    /// <inheritdoc />
    public void Convert(in Matrix source, in Matrix destination) { }

    /// <inheritdoc />
    public void MatMul(in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation = Accumulation.Store) { }

    /// <inheritdoc />
    public void GroupedMatMul(ReadOnlySpan<MatrixProduct> products, Accumulation accumulation = Accumulation.Store) { }

    /// <inheritdoc />
    public void GroupedWeightGradient(ReadOnlySpan<WeightGradient> products, ReadOnlySpan<int> segmentLengths) { }

    /// <inheritdoc />
    public void AddColumnSums(in Matrix y, DeviceSpan<float> sums) { }

    /// <inheritdoc />
    public void Add(DeviceSpan<float> x, DeviceSpan<float> y) { }

    /// <inheritdoc />
    public void Scale(DeviceSpan<float> x, float factor) { }

    /// <inheritdoc />
    public void Scale(in Matrix x, float factor) { }

    /// <inheritdoc />
    public void Multiply(in Matrix a, in Matrix b, in Matrix y) { }

    /// <inheritdoc />
    public void AddBias(in Matrix y, DeviceSpan<float> bias) { }

    /// <inheritdoc />
    public void RmsNorm(in Matrix x, DeviceSpan<float> weight, float epsilon, in Matrix y, DeviceSpan<float> inverseRms) { }

    /// <inheritdoc />
    public void RmsNormInputGradient(
        in Matrix x, DeviceSpan<float> weight, DeviceSpan<float> inverseRms, in Matrix dy, in Matrix dx, Accumulation accumulation)
    { }

    /// <inheritdoc />
    public void RmsNormWeightGradient(in Matrix x, DeviceSpan<float> inverseRms, in Matrix dy, DeviceSpan<float> weightGradient) { }

    /// <inheritdoc />
    public void Gelu(in Matrix preactivation, DeviceSpan<float> bias, in Matrix output) { }

    /// <inheritdoc />
    public void GeluGradient(in Matrix preactivation, in Matrix dOutput, in Matrix dPreactivation) { }

    /// <inheritdoc />
    public void Relu(in Matrix x, in Matrix y) { }

    /// <inheritdoc />
    public void ReluGradient(in Matrix y, in Matrix dy, in Matrix dx) { }

    /// <inheritdoc />
    public void SwiGlu(in Matrix gate, in Matrix up, in Matrix output) { }

    /// <inheritdoc />
    public void SwiGluGradient(in Matrix gate, in Matrix up, in Matrix dOutput, in Matrix dGate, in Matrix dUp) { }

    /// <inheritdoc />
    public void EmbeddingGradient(DeviceSpan<int> ids, in Matrix dy, in Matrix tableGradient) { }

    /// <inheritdoc />
    public void MixRows(in Matrix a, in Matrix b, in Matrix coefficients, in Matrix y) { }

    /// <inheritdoc />
    public void MixRowsGradient(in Matrix a, in Matrix b, in Matrix coefficients, in Matrix dy, in Matrix da, in Matrix db, in Matrix dCoefficients) { }

    /// <inheritdoc />
    public void Rotary(in Matrix x, in Matrix cosines, in Matrix sines, int sequenceLength, bool inverse) { }

    /// <inheritdoc />
    public AttentionMemory AttentionMemory(in AttentionShape shape, int rows, int sequenceLength) =>
        _imitated.Attention(shape, rows, sequenceLength);

    /// <inheritdoc />
    public void Attention(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state)
    { }

    /// <inheritdoc />
    public void AttentionGradient(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state, in Matrix dOutput, in Matrix dQueries, in Matrix dKeys, in Matrix dValues,
        DeviceSpan<float> scratch)
    { }

    /// <inheritdoc />
    public void Softmax(in Matrix logits, in Matrix probabilities, DeviceSpan<float> logSumExp) { }

    /// <inheritdoc />
    public void SoftmaxGradient(in Matrix probabilities, in Matrix dProbabilities, in Matrix dLogits) { }

    /// <inheritdoc />
    public void Sigmoid(in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp) { }

    /// <inheritdoc />
    public void SigmoidGradient(in Matrix scores, in Matrix dScores, in Matrix dLogits) { }

    /// <inheritdoc />
    public void ChoiceWeights(in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> weights) { }

    /// <inheritdoc />
    public void ChoiceWeightsGradient(
        in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> dWeights, in Matrix dScores)
    { }

    /// <inheritdoc />
    public void AddScoreSums(in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sums) { }

    /// <inheritdoc />
    public void AddScoreSumsGradient(in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sumsGradient, in Matrix dScores) { }

    /// <inheritdoc />
    public void ZLossGradient(in Matrix logits, DeviceSpan<float> logSumExp, DeviceSpan<int> valid, float factor, in Matrix dLogits) { }

    /// <inheritdoc />
    public void GatherRows(in Matrix source, DeviceSpan<int> rows, in Matrix destination) { }

    /// <inheritdoc />
    public void CombineRows(in Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, in Matrix y, Accumulation accumulation) { }

    /// <inheritdoc />
    public void CombineRowsGradient(
        in Matrix dy, in Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, in Matrix dRows, DeviceSpan<float> dWeights)
    { }

    /// <inheritdoc />
    public void NormalizeRows(in Matrix x, float epsilon, in Matrix y, DeviceSpan<float> inverseNorms) { }

    /// <inheritdoc />
    public void NormalizeRowsGradient(
        in Matrix y, DeviceSpan<float> inverseNorms, float epsilon, in Matrix dy, in Matrix dx, Accumulation accumulation)
    { }

    /// <inheritdoc />
    public void DotRows(in Matrix a, in Matrix b, DeviceSpan<float> dots) { }

    /// <inheritdoc />
    public void ScaleByExponential(DeviceSpan<float> x, DeviceSpan<float> exponent, float highest) { }

    /// <inheritdoc />
    public void AddExponentGradient(DeviceSpan<float> dots, DeviceSpan<float> exponent, float highest, DeviceSpan<float> gradient) { }

    /// <inheritdoc />
    public void OrderByScore(DeviceSpan<float> scores, int k, DeviceSpan<int> order) { }

    /// <inheritdoc />
    public void OrderByChance(ulong key, DeviceSpan<int> order) { }

    /// <inheritdoc />
    public void PlaceRows(
        DeviceSpan<int> choices, DeviceSpan<int> kept, int k, ReadOnlySpan<int> segmentExperts, ReadOnlySpan<int> segmentLengths,
        DeviceSpan<int> slots, DeviceSpan<int> tokens)
    { }

    /// <inheritdoc />
    public void ChoiceBalance(DeviceSpan<float> scoreSums, DeviceSpan<int> counts, int tokens, int k, DeviceSpan<double> loss) { }

    /// <inheritdoc />
    public void ChoiceBalanceGradient(DeviceSpan<int> counts, int tokens, int k, float factor, DeviceSpan<float> gradient) { }

    /// <inheritdoc />
    public void LoadImportance(DeviceSpan<float> importance, DeviceSpan<float> load, DeviceSpan<double> loss) { }

    /// <inheritdoc />
    public void SquaredVariationGradient(DeviceSpan<float> values, double factor, DeviceSpan<float> gradient) { }

    /// <inheritdoc />
    public void ZLoss(DeviceSpan<float> logSumExp, DeviceSpan<int> valid, int tokens, DeviceSpan<double> loss) { }

    /// <inheritdoc />
    public void SumRows(DeviceSpan<float> x, DeviceSpan<int> valid, DeviceSpan<double> sum) { }

    /// <inheritdoc />
    public void AddCounts(DeviceSpan<int> counts, DeviceSpan<float> sums) { }

    /// <inheritdoc />
    public void MoveBias(DeviceSpan<float> counts, float rate, DeviceSpan<float> bias) { }

    /// <inheritdoc />
    public void MaskGroups(in Matrix scores, DeviceSpan<float> bias, int groups, int kept, in Matrix masked) { }

    /// <inheritdoc />
    public void AddSmoothLoad(in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> load) { }

    /// <inheritdoc />
    public void AddSmoothLoadGradient(
        in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> loadGradient, in Matrix dLogits)
    { }

    /// <inheritdoc />
    public void Entropies(in Matrix scores, bool normalise, DeviceSpan<float> entropies) { }

    /// <inheritdoc />
    public void DrawSecond(in Matrix logits, in Matrix scores, ulong key, float scale, int k, DeviceSpan<int> choices) { }

    /// <inheritdoc />
    public void AddNormal(in Matrix x, ulong key, float deviation) { }

    /// <inheritdoc />
    public void MultiplyUniform(in Matrix x, ulong key, float spread, in Matrix y, Accumulation accumulation) { }

    /// <inheritdoc />
    public void AdamW(
        in AdamWUpdate update, DeviceSpan<float> parameter, DeviceSpan<float> gradient, DeviceSpan<float> firstMoment, DeviceSpan<float> secondMoment)
    { }

    /// <inheritdoc />
    public void SumOfSquares(DeviceSpan<float> x, DeviceSpan<double> sum) { }
}
