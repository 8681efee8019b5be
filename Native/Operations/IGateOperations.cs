using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>What particular gates need beyond <see cref="IRoutingOperations"/>: cosine, groups, expert choice, the load loss.</summary>
public interface IGateOperations
{
    /// <summary><c>y = x·r</c> per row with <c>r = 1/max(‖x‖₂, epsilon)</c>; r goes to <paramref name="inverseNorms"/> [n]. In place allowed.</summary>
    void NormalizeRows(in Matrix x, float epsilon, in Matrix y, DeviceSpan<float> inverseNorms);

    /// <summary>
    /// Gradient of <see cref="NormalizeRows"/> from its output: <c>dx (+)= r·(dy − y·Σ dy·y)</c>; where epsilon stood in for the norm it
    /// is a constant, and <c>dx (+)= r·dy</c>.
    /// </summary>
    void NormalizeRowsGradient(
        in Matrix y, DeviceSpan<float> inverseNorms, float epsilon, in Matrix dy, in Matrix dx, Accumulation accumulation);

    /// <summary><c>dots[i] = Σⱼ a[i, j]·b[i, j]</c>.</summary>
    void DotRows(in Matrix a, in Matrix b, DeviceSpan<float> dots);

    /// <summary><c>x *= exp(min(exponent, highest))</c>, element by element, with a factor that is trained.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="exponent">[1].</param>
    /// <param name="highest">The exponent counts no higher.</param>
    void ScaleByExponential(DeviceSpan<float> x, DeviceSpan<float> exponent, float highest);

    /// <summary>
    /// Gradient of <see cref="ScaleByExponential"/> by the exponent: <c>gradient += Σᵢ dots[i]</c>, from zero in row order, then added, while the exponent
    /// is not above <paramref name="highest"/>; else nothing.
    /// </summary>
    /// <param name="dots">[n] by row Σ over columns of the scaled numbers times their gradient.</param>
    /// <param name="exponent">[1].</param>
    /// <param name="highest">The exponent counts no higher.</param>
    /// <param name="gradient">[1].</param>
    void AddExponentGradient(DeviceSpan<float> dots, DeviceSpan<float> exponent, float highest, DeviceSpan<float> gradient);

    /// <summary>
    /// <c>masked = scores + bias</c> inside the best groups of each row and −∞ elsewhere. Columns form <paramref name="groups"/> groups of
    /// neighbours; a group is worth the sum of its two best members (its one member if it has no more); ties go to the lower group.
    /// </summary>
    /// <param name="scores">[n, E], E a multiple of <paramref name="groups"/>.</param>
    /// <param name="bias">[E], or empty.</param>
    /// <param name="groups">Number of groups.</param>
    /// <param name="kept">Groups that stay.</param>
    /// <param name="masked">[n, E].</param>
    void MaskGroups(in Matrix scores, DeviceSpan<float> bias, int groups, int kept, in Matrix masked);

    /// <summary>
    /// <c>entropies[i] = −Σⱼ p·ln p</c> in nats, p the scores of row i, divided by their sum if <paramref name="normalise"/> is set; an
    /// element that is 0 adds nothing.
    /// </summary>
    /// <param name="scores">[n, E], not negative.</param>
    /// <param name="normalise">Whether the scores of a row do not add up to 1 by themselves.</param>
    /// <param name="entropies">[n].</param>
    void Entropies(in Matrix scores, bool normalise, DeviceSpan<float> entropies);

    /// <summary>
    /// Replaces the second choice of each row by <c>argmaxₑ logits[i, e] + scale·Gᵢₑ</c> over the columns that are not its first choice and whose
    /// score is above −∞. <c>G = −ln(−ln U)</c>, U = <c>CounterRandom.Uniform(CounterRandom.Next(key, i), e)</c>. The others stay in their order,
    /// without the drawn one or else the last. Rows whose first choice is −1 stay as they are.
    /// </summary>
    /// <param name="logits">[n, E].</param>
    /// <param name="scores">[n, E]: what the choices were made by.</param>
    /// <param name="key">Key of the random numbers.</param>
    /// <param name="scale">Factor on the noise.</param>
    /// <param name="k">Choices per row, at least 2.</param>
    /// <param name="choices">[n, k].</param>
    void DrawSecond(in Matrix logits, in Matrix scores, ulong key, float scale, int k, DeviceSpan<int> choices);

    /// <summary>
    /// The rows of the <paramref name="count"/> largest scores of each column, in ascending order; ties go to the lower row, a NaN counts
    /// as −∞. Rows whose <paramref name="valid"/> is 0 take no part; where rows do not suffice, −1 fills up.
    /// </summary>
    /// <param name="scores">[n, E].</param>
    /// <param name="valid">[n], or empty when every row is valid.</param>
    /// <param name="count">Rows per column.</param>
    /// <param name="rows">[E, count].</param>
    void TopRows(in Matrix scores, DeviceSpan<int> valid, int count, DeviceSpan<int> rows);

    /// <summary>
    /// The inverse of <see cref="TopRows"/>: for each row the columns that took it, in ascending order, then −1.
    /// </summary>
    /// <param name="rows">[E, count]; −1 takes no part. No column has a row twice.</param>
    /// <param name="count">Rows per column.</param>
    /// <param name="k">Places of a row: as many as the columns that took the same row, at the most E.</param>
    /// <param name="choices">[n, k].</param>
    void ColumnsOfRows(DeviceSpan<int> rows, int count, int k, DeviceSpan<int> choices);

    /// <summary>
    /// The smooth load (Shazeer et al., arXiv 1701.06538, appendix A): <c>load[e] += Σ_t Φ((a[t, e] − θ[t])/deviation)</c> with
    /// <c>θ[t] = noisy[t, choices[t, k − 1]]</c>, from zero in row order, then added. Rows whose last choice is −1 take no part.
    /// </summary>
    /// <param name="logits">a, [n, E]: without noise.</param>
    /// <param name="noisy">[n, E]: with noise.</param>
    /// <param name="choices">[n, k].</param>
    /// <param name="k">Choices per row.</param>
    /// <param name="deviation">Standard deviation of the noise.</param>
    /// <param name="load">[E].</param>
    void AddSmoothLoad(in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> load);

    /// <summary>
    /// Gradient of <see cref="AddSmoothLoad"/> by the logits, through a and through θ (the noise is a constant), added to
    /// <paramref name="dLogits"/> for rows that take part.
    /// </summary>
    void AddSmoothLoadGradient(
        in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> loadGradient, in Matrix dLogits);
}
