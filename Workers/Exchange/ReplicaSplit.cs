namespace MoEActors.Workers.Exchange;

/// <summary>
/// Which replica serves which rows of one layer in one round. Every worker computes the same answer from the same counts; nothing is allocated.
/// </summary>
/// <param name="placement">Where the replicas are.</param>
internal abstract class ReplicaSplit(LayerPlacement placement)
{
    /// <summary>Where the replicas are.</summary>
    protected LayerPlacement Placement { get; } = placement;

    /// <summary>Shares out the rows of a round.</summary>
    /// <param name="counts">[sources × experts] rows.</param>
    /// <param name="rows">[sources × shards in canonical order] filled with rows.</param>
    public void Split(ReadOnlySpan<int> counts, Span<int> rows)
    {
        Decide(counts);
        rows.Clear();
        for (int expert = 0; expert < Placement.Experts; expert++)
        {
            if (Placement.RanksOf(expert).Length > 1)
            {
                Share(expert, counts, rows);
                continue;
            }

            int shard = Placement.FirstShardOf(expert);
            for (int source = 0; source < Placement.Workers; source++)
            {
                rows[source * Placement.Shards + shard] = counts[source * Placement.Experts + expert];
            }
        }
    }

    /// <summary>Decides how much every replica gets.</summary>
    protected abstract void Decide(ReadOnlySpan<int> counts);

    /// <summary>Fills in the rows of an expert with replicas.</summary>
    protected abstract void Share(int expert, ReadOnlySpan<int> counts, Span<int> rows);
}
