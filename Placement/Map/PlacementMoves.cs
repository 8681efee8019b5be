using System.Collections.Immutable;

namespace MoEActors.Placement.Map;

/// <summary>A shard arrives on a worker where its expert was not. Its state is copied from a worker that has it.</summary>
/// <param name="Layer">Layer of the model.</param>
/// <param name="Expert">Expert of the layer.</param>
/// <param name="From">Rank that sends the state; it keeps its own replica unless the new placement drops it.</param>
/// <param name="To">Rank that receives it.</param>
public readonly record struct ShardMove(int Layer, int Expert, int From, int To)
{
    /// <summary>The expert whose shard it is.</summary>
    public ExpertId ExpertId => new(Layer, Expert);
}

/// <summary>What must travel to get from one placement to another.</summary>
public static class PlacementMoves
{
    /// <summary>
    /// The arrivals, by expert and rank. Each comes from the holder with the widest link, among those the one that has sent least.
    /// O(shards + arrivals · replicas).
    /// </summary>
    /// <param name="layer">Layer of the model.</param>
    /// <param name="before">Where the shards are.</param>
    /// <param name="after">Where they shall be.</param>
    /// <param name="topology">The links.</param>
    public static ImmutableArray<ShardMove> Between(int layer, LayerPlacement before, LayerPlacement after, ClusterTopology topology)
    {
        List<ShardMove> moves = [];
        int[] sent = new int[before.Workers];
        for (int expert = 0; expert < after.Experts; expert++)
        {
            ReadOnlySpan<int> holders = before.RanksOf(expert);
            foreach (int target in after.RanksOf(expert))
            {
                if (holders.BinarySearch(target) >= 0)
                {
                    continue;
                }

                int source = holders[0];
                foreach (int holder in holders)
                {
                    (double, int) offer = (-topology.Bandwidth(holder, target), sent[holder]);
                    source = offer.CompareTo((-topology.Bandwidth(source, target), sent[source])) < 0 ? holder : source;
                }

                sent[source]++;
                moves.Add(new ShardMove(layer, expert, source, target));
            }
        }

        return [.. moves];
    }
}
