using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>
/// Gates, and the permutation of rows to experts and back. Choices are [n, k], row-major, −1 where a row takes no part;
/// slots are [n, k] row numbers in the permuted buffer, −1 where a choice was dropped.
/// </summary>
public interface IRoutingOperations
{
    /// <summary>Row-wise softmax; <c>log Σ exp</c> of each row goes to <paramref name="logSumExp"/> [n] unless that is empty. In place allowed.</summary>
    void Softmax(in Matrix logits, in Matrix probabilities, DeviceSpan<float> logSumExp);

    /// <summary><c>dLogits = p·(dp − Σ dp·p)</c>, row by row. In place allowed.</summary>
    void SoftmaxGradient(in Matrix probabilities, in Matrix dProbabilities, in Matrix dLogits);

    /// <summary><c>1/(1 + exp(−x))</c>; <c>log Σ exp</c> of each row of logits goes to <paramref name="logSumExp"/> [n] unless that is empty.</summary>
    void Sigmoid(in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp);

    /// <summary><c>dLogits = s·(1 − s)·ds</c>. In place allowed.</summary>
    void SigmoidGradient(in Matrix scores, in Matrix dScores, in Matrix dLogits);

    /// <summary>
    /// The columns of the k largest <c>scores + bias</c> of each row, best first; ties go to the lower column. Rows whose
    /// <paramref name="valid"/> is 0 get −1.
    /// </summary>
    /// <param name="scores">[n, E].</param>
    /// <param name="bias">[E], or empty.</param>
    /// <param name="valid">[n], or empty when every row is valid.</param>
    /// <param name="k">Choices per row, at most E.</param>
    /// <param name="choices">[n, k].</param>
    void TopK(in Matrix scores, DeviceSpan<float> bias, DeviceSpan<int> valid, int k, DeviceSpan<int> choices);

    /// <summary>
    /// <c>w[t, j] = scores[t, choices[t, j]]</c>, divided by their sum over j (but at least <paramref name="epsilon"/>) when
    /// <paramref name="renormalise"/> is set; 0 for a row that takes no part.
    /// </summary>
    void ChoiceWeights(in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> weights);

    /// <summary>Gradient of <see cref="ChoiceWeights"/>: <paramref name="dScores"/> [n, E] is stored, 0 where nothing was chosen.</summary>
    void ChoiceWeightsGradient(
        in Matrix scores, DeviceSpan<int> choices, int k, bool renormalise, float epsilon, DeviceSpan<float> dWeights, in Matrix dScores);

    /// <summary>
    /// <c>sums[e] += Σ_t p[t, e]</c> over the rows that take part, from zero in row order, then added; p are the scores, or the scores
    /// divided by their row's sum when <paramref name="normalise"/> is set.
    /// </summary>
    void AddScoreSums(in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sums);

    /// <summary>
    /// Gradient of <see cref="AddScoreSums"/>, added to <paramref name="dScores"/> for rows that take part: <c>g[e]</c>, or with normalised
    /// scores <c>(g[e] − Σ g·p)/Σ scores</c>.
    /// </summary>
    void AddScoreSumsGradient(
        in Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sumsGradient, in Matrix dScores);

    /// <summary>
    /// <c>dLogits[t, e] += 2·factor·lse[t]·softmax(logits)[t, e]</c> for rows that take part: the gradient of the z-loss.
    /// </summary>
    void ZLossGradient(in Matrix logits, DeviceSpan<float> logSumExp, DeviceSpan<int> valid, float factor, in Matrix dLogits);

    /// <summary><c>destination[i] = source[rows[i]]</c>. Embedding lookup, and dispatch to the permuted buffer.</summary>
    void GatherRows(in Matrix source, DeviceSpan<int> rows, in Matrix destination);

    /// <summary>
    /// <c>y[t] (+)= Σⱼ w[t, j]·rows[slots[t, j]]</c> in choice order, dropped choices left out; without
    /// <paramref name="weights"/> (empty) every weight is 1, which is the gradient of dispatch.
    /// </summary>
    void CombineRows(
        in Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, in Matrix y, Accumulation accumulation);

    /// <summary>
    /// Gradient of <see cref="CombineRows"/>: <c>dRows[slots[t, j]] = w[t, j]·dy[t]</c> and <c>dWeights[t, j] = dy[t]·rows[slots[t, j]]</c>
    /// (0 for a dropped choice). <paramref name="dRows"/> may be the memory of <paramref name="rows"/>.
    /// </summary>
    void CombineRowsGradient(
        in Matrix dy, in Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, in Matrix dRows, DeviceSpan<float> dWeights);
}
