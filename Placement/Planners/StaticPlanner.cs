namespace MoEActors.Placement.Planners;

/// <summary>
/// The placement that looks at no load: equal runs of consecutive experts for every worker (Tutel, DeepSpeed-MoE), one expert more
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
