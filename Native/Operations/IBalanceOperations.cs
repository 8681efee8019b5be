using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>
/// What keeps experts equally busy, measured where the routing is: auxiliary losses with the gradients of what they are made of, and the bias that
/// balances without one. Losses are numbers in double, each stored to one element; sums over experts go in ascending order, sums over rows in row order,
/// from 0. There is at least one token.
/// </summary>
public interface IBalanceOperations
{
    /// <summary>
    /// <c>loss = Σₑ E·(sums[e]/tokens)·(counts[e]/(tokens·k))</c>, factors and terms in double in the order written (Switch, arXiv 2101.03961, §2.2).
    /// </summary>
    /// <param name="scoreSums">[E] Σ over tokens of their scores (<see cref="IRoutingOperations.AddScoreSums"/>).</param>
    /// <param name="counts">[E] choices per expert.</param>
    /// <param name="tokens">Tokens that take part.</param>
    /// <param name="k">Choices that a token has among those counted.</param>
    /// <param name="loss">[1], stored.</param>
    void ChoiceBalance(DeviceSpan<float> scoreSums, DeviceSpan<int> counts, int tokens, int k, DeviceSpan<double> loss);

    /// <summary>
    /// Gradient of <see cref="ChoiceBalance"/> by the score sums, in float in the order written:
    /// <c>gradient[e] = ((factor·E)·(counts[e]/(tokens·k)))/tokens</c>.
    /// </summary>
    /// <param name="counts">[E] choices per expert.</param>
    /// <param name="tokens">Tokens that take part.</param>
    /// <param name="k">Choices that a token has among those counted.</param>
    /// <param name="factor">Weight of the loss.</param>
    /// <param name="gradient">[E], stored.</param>
    void ChoiceBalanceGradient(DeviceSpan<int> counts, int tokens, int k, float factor, DeviceSpan<float> gradient);

    /// <summary>
    /// <c>loss = ½·(CV²(importance) + CV²(load))</c> in double, <c>CV² = E·Q/(S·S) − 1</c> with S = Σv and Q = Σv²; 0 where S is not above 0 (Shazeer
    /// et al., arXiv 1701.06538, §4).
    /// </summary>
    /// <param name="importance">[E].</param>
    /// <param name="load">[E].</param>
    /// <param name="loss">[1], stored.</param>
    void LoadImportance(DeviceSpan<float> importance, DeviceSpan<float> load, DeviceSpan<double> loss);

    /// <summary>
    /// Gradient of <c>factor·CV²</c>, computed in double and rounded once: <c>gradient[e] = factor·2·E/(S·S)·(v[e] − Q/S)</c>; 0 where S is not above 0.
    /// </summary>
    /// <param name="values">v, [E].</param>
    /// <param name="factor">Weight.</param>
    /// <param name="gradient">[E], stored.</param>
    void SquaredVariationGradient(DeviceSpan<float> values, double factor, DeviceSpan<float> gradient);

    /// <summary><c>loss = Σ_t l[t]·l[t]/tokens</c> in double over the rows that take part, each term divided before it is added: the z-loss.</summary>
    /// <param name="logSumExp">l, [n].</param>
    /// <param name="valid">[n], or empty when every row takes part.</param>
    /// <param name="tokens">How many do.</param>
    /// <param name="loss">[1], stored.</param>
    void ZLoss(DeviceSpan<float> logSumExp, DeviceSpan<int> valid, int tokens, DeviceSpan<double> loss);

    /// <summary><c>sum = Σ_t x[t]</c> in double over the rows that take part.</summary>
    /// <param name="x">[n].</param>
    /// <param name="valid">[n], or empty when every row takes part.</param>
    /// <param name="sum">[1], stored.</param>
    void SumRows(DeviceSpan<float> x, DeviceSpan<int> valid, DeviceSpan<double> sum);

    /// <summary><c>sums[e] += counts[e]</c>, in float: exact for whole numbers below 2²⁴.</summary>
    void AddCounts(DeviceSpan<int> counts, DeviceSpan<float> sums);

    /// <summary>
    /// <c>bias[e] += rate·sign(Σc − E·c[e])</c>, the sign of a difference in double, 0 for equal ones: towards an equal count (Wang et al.,
    /// arXiv 2408.15664).
    /// </summary>
    /// <param name="counts">c, [E] whole numbers as floats.</param>
    /// <param name="rate">How far.</param>
    /// <param name="bias">[E].</param>
    void MoveBias(DeviceSpan<float> counts, float rate, DeviceSpan<float> bias);
}
