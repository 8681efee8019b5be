namespace MoEActors.Workers.Exchange;

/// <summary>The experts of a layer, as one worker has them.</summary>
internal static class HeldExperts
{
    /// <summary>By expert: its block on a worker; null where that holds none.</summary>
    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="rank">The worker's rank.</param>
    /// <param name="blocks">Those on it, ascending.</param>
    public static ParameterBlock?[] Of(LayerPlacement placement, int rank, IReadOnlyList<ParameterBlock> blocks)
    {
        var held = new ParameterBlock?[placement.Experts];
        int next = 0;
        for (int expert = 0; expert < held.Length; expert++)
        {
            held[expert] = placement.Holds(expert, rank) ? blocks[next++] : null;
        }

        return held;
    }
}
