namespace MoEActors.Placement.Quotas;

/// <summary>How the tokens of an expert are shared out to its replicas. Every worker computes the same answer from the same counts.</summary>
public interface IQuotaRule
{
    /// <summary>Shares out one step's tokens of one layer so that the busiest worker has few.</summary>
    /// <param name="placement">Where the replicas are.</param>
    /// <param name="tokens">By expert: tokens of this step.</param>
    LayerQuotas Split(LayerPlacement placement, ReadOnlySpan<long> tokens);
}
