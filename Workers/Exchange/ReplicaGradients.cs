namespace MoEActors.Workers.Exchange;

/// <summary>How the replicas of a layer's experts come to the same gradients. Collective: every worker of the view takes part.</summary>
/// <param name="groups">The experts with replicas.</param>
internal abstract class ReplicaGradients(ReplicaGroup[] groups)
{
    /// <summary>The experts with replicas.</summary>
    protected ReplicaGroup[] Groups { get; } = groups;

    /// <summary>Those of which this worker holds a replica.</summary>
    protected ReplicaGroup[] Held { get; } = [.. groups.Where(group => group.Own >= 0)];

    /// <summary>Elements of one expert's gradient; 0 where none is held.</summary>
    protected int Length => Held is [{ Block: { } block }, ..] ? block.Values.Length : 0;

    /// <summary>Ends a round, after its backward pass.</summary>
    public virtual void EndRound()
    {
    }

    /// <summary>Ends a step: afterwards all replicas of an expert have its gradient over all micro-batches, to the last bit.</summary>
    public abstract void EndStep();
}

/// <summary>The replicas of one expert, as one worker sees them. Replica 0 is the expert's home.</summary>
/// <param name="Ranks">Rank of each replica.</param>
/// <param name="FirstShard">Place of replica 0 among the shards of the layer.</param>
/// <param name="Own">Number of this worker's replica; −1 for none.</param>
/// <param name="Resident">Place among the experts on this worker; −1 for none.</param>
/// <param name="Block">This worker's replica; null for none.</param>
internal sealed record ReplicaGroup(int[] Ranks, int FirstShard, int Own, int Resident, ParameterBlock? Block)
{
    /// <summary>The experts of a layer that have replicas, ascending.</summary>
    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="rank">This worker's rank.</param>
    /// <param name="blocks">The experts on this worker, ascending.</param>
    public static ReplicaGroup[] Of(LayerPlacement placement, int rank, IReadOnlyList<ParameterBlock> blocks)
    {
        List<ReplicaGroup> groups = [];
        int resident = 0;
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            int[] ranks = placement.RanksOf(expert).ToArray();
            int own = Array.IndexOf(ranks, rank);
            int place = own < 0 ? -1 : resident++;
            if (ranks.Length > 1)
            {
                groups.Add(new ReplicaGroup(ranks, placement.FirstShardOf(expert), own, place, own < 0 ? null : blocks[place]));
            }
        }

        return [.. groups];
    }
}
