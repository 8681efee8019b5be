using System.Collections.Immutable;

namespace MoEActors.Placement.Planners;

/// <summary>
/// Replicate the hot, pack the heavy first: DeepSeek's expert-parallel load balancer, over the whole cluster. It looks at no current placement,
/// so its plans move much. O(experts · log experts + shards · log workers) for a layer. Source: EPLB, rebalance_experts (global policy).
/// </summary>
public sealed class ReplicateAndPackPlanner : IPlanner
{
    /// <inheritdoc />
    public string Name => "replicate-and-pack";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem) => Place(problem.Load.Mean(problem.Layer), problem.Slots);

    /// <summary>Places the experts of a layer by their load.</summary>
    /// <param name="load">By expert: tokens per step.</param>
    /// <param name="slots">By rank: shards that it may hold; together at least one per expert.</param>
    public static LayerPlacement Place(ReadOnlySpan<double> load, ImmutableArray<int> slots)
    {
        int[] experts = [.. Enumerable.Range(0, load.Length)];
        int[] workers = [.. Enumerable.Range(0, slots.Length)];
        int[][] ranks = new int[load.Length][];
        int[] replicas = ReplicaCounts.ByLoad(load, slots.Sum(), slots.Count(count => count > 0));
        Packing.Pack(experts, load, replicas, workers, slots.AsSpan(), ranks);
        return new LayerPlacement(slots.Length, ranks);
    }
}
