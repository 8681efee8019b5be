using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>
/// The split by whole micro-batches (reproducible mode): each micro-batch's tokens of an expert go to one replica, so that every sum keeps
/// its order. Parts are assigned heaviest first, each to the least loaded replica; then parts of the busiest worker are reassigned, directly
/// or through one other worker, while that lowers the maximum. O(parts · log parts + rounds · parts · replicas²). Near the optimum, not always
/// at it: the exact problem is NP-hard. Source: the longest-processing-time rule of Graham, "Bounds on multiprocessing timing anomalies"
/// (SIAM J. Appl. Math. 17, 1969), followed by a local search.
/// </summary>
/// <param name="microBatches">Micro-batches of a step.</param>
public sealed class MicroBatchQuotas(int microBatches = 8) : IQuotaRule
{
    /// <summary>Micro-batches of a step.</summary>
    public int MicroBatches { get; } = microBatches >= 1
        ? microBatches
        : throw new PlacementException($"A step has {microBatches} micro-batches; at least one is needed.");

    /// <inheritdoc />
    /// <remarks>
    /// A round has one micro-batch of every worker: 8 on 4 workers are two rounds of 4 parts, not one of 8. Counts of a step do not say
    /// which micro-batch the tokens were in; they are assumed to be spread evenly, which makes all rounds alike.
    /// </remarks>
    public LayerQuotas Split(LayerPlacement placement, ReadOnlySpan<long> tokens)
    {
        int sources = Math.Min(MicroBatches, placement.Workers);
        long[] parts = new long[placement.Experts * sources];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            for (int part = 0; part < sources; part++)
            {
                parts[(expert * sources) + part] = (tokens[expert] * (part + 1) / sources) - (tokens[expert] * part / sources);
            }
        }

        ReadOnlySpan<int> replicas = new MicroBatchAssignment(placement, sources).Assign(parts);
        long[] quotas = new long[placement.Shards];
        for (int part = 0; part < parts.Length; part++)
        {
            quotas[placement.FirstShardOf(part / sources) + replicas[part]] += parts[part];
        }

        return new LayerQuotas(placement, quotas);
    }

    /// <summary>Assigns each micro-batch's part of every expert to one replica.</summary>
    /// <param name="placement">Where the replicas are.</param>
    /// <param name="parts">By expert, then micro-batch: tokens.</param>
    /// <returns>By expert, then micro-batch: the number of the replica.</returns>
    /// <exception cref="PlacementException">There are not as many parts as experts times micro-batches.</exception>
    public int[] Assign(LayerPlacement placement, ReadOnlySpan<long> parts) => new MicroBatchAssignment(placement, MicroBatches).Assign(parts).ToArray();
}
