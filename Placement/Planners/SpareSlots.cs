using System.Collections.Immutable;

namespace MoEActors.Placement.Planners;

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
