namespace MoEActors.Placement.Quotas;

/// <summary>
/// The split by single tokens: the busiest worker gets the least that any split can give it, to within 1/2048 of it (exactly, below 2048
/// tokens per worker). Whole numbers only, so it is the same everywhere.
/// <para>
/// Each expert's tokens are poured over its replicas like water over an uneven floor, again and again while that helps; then paths of replicas carry what is above
/// the level to workers below it. Where no path is left, a set of workers is shut in with its tokens; their mean is a proven bound and
/// becomes the level. O(shards) for each pouring and each path; few paths are needed after pouring.
/// </para>
/// Source: the dual of the minimum-makespan flow (Hall's condition); water-filling as in ALGORITHMS, "Quotas".
/// </summary>
public sealed class TokenQuotas : IQuotaRule
{
    /// <inheritdoc />
    public LayerQuotas Split(LayerPlacement placement, ReadOnlySpan<long> tokens) =>
        new(placement, new TokenSplit(placement, isForOnce: true).Split(tokens).ToArray());
}
