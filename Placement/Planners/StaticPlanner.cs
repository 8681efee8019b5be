using System.Collections.Immutable;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Planners;

/// <summary>
/// The placement that does not depend on load: equal runs of consecutive experts for every worker (Tutel, DeepSpeed-MoE), one expert more
/// for some where the number does not divide. O(experts).
/// </summary>
public static class StaticPlanner
{
    /// <summary>Places the experts of every layer.</summary>
    /// <param name="version">Version of the map.</param>
    /// <param name="workers">The workers in rank order.</param>
    /// <param name="experts">Experts of each layer; 0 for a dense one.</param>
    /// <exception cref="PlacementException">There is no worker.</exception>
    public static PlacementMap Plan(long version, IReadOnlyList<WorkerId> workers, IReadOnlyList<int> experts) =>
        new(version, workers, [.. experts.Select(count => Enumerable.Range(0, count).Select(expert => RankOf(expert, count, workers.Count)).ToArray())]);

    /// <summary>Places the experts of one layer.</summary>
    /// <param name="experts">Experts of the layer.</param>
    /// <param name="workers">Number of workers.</param>
    public static LayerPlacement Place(int experts, int workers) =>
        LayerPlacement.OfSingles(workers, [.. Enumerable.Range(0, experts).Select(expert => RankOf(expert, experts, workers))]);

    /// <summary>The rank of one expert of a layer.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="experts">Experts of the layer.</param>
    /// <param name="workers">Number of workers.</param>
    public static int RankOf(int expert, int experts, int workers) => (int)((long)expert * workers / experts);
}

/// <summary>Leaves everything where it is: the static placement stays static. O(1).</summary>
public sealed class KeepPlanner : IPlanner
{
    /// <inheritdoc />
    public string Name => "static";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem) => problem.Current;
}

/// <summary>Slots of a layer: those of the static placement and spare ones beyond them.</summary>
public static class SpareSlots
{
    /// <summary>Gives spare slots one by one to the worker with the fewest slots, so that the static placement fits. O(spare · workers).</summary>
    /// <param name="experts">Experts of the layer.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="spare">Slots beyond one per expert, on all workers together.</param>
    /// <exception cref="PlacementException">There are more slots than distinct replicas could fill.</exception>
    public static ImmutableArray<int> Of(int experts, int workers, int spare)
    {
        if (spare < 0 || spare > (long)experts * (workers - 1))
        {
            throw new PlacementException(
                $"{spare} spare slots do not fit {experts} experts on {workers} workers: an expert has at most one replica per worker, so 0 to {(long)experts * (workers - 1)}.");
        }

        int[] slots = new int[workers];
        for (int expert = 0; expert < experts; expert++)
        {
            slots[StaticPlanner.RankOf(expert, experts, workers)]++;
        }

        for (int i = 0; i < spare; i++)
        {
            slots[Array.IndexOf(slots, slots.Min())]++;
        }

        return ImmutableArray.Create(slots);
    }
}
