using MoEActors.Placement.Quotas;

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

/// <summary>
/// The split by single tokens. Quotas come from <see cref="TokenQuotas"/>; a replica takes what its own worker has first, so that as few rows
/// travel as the quotas allow, then the rest in the order of sources and replicas.
/// </summary>
internal sealed class FractionalSplit(LayerPlacement placement) : ReplicaSplit(placement)
{
    private readonly TokenSplit _split = new(placement);
    private readonly long[] _tokens = new long[placement.Experts];
    private readonly int[] _left = new int[placement.Workers];
    private readonly long[] _quotas = new long[placement.Shards];

    protected override void Decide(ReadOnlySpan<int> counts)
    {
        Array.Clear(_tokens);
        for (int i = 0; i < counts.Length; i++)
        {
            _tokens[i % _tokens.Length] += counts[i];
        }

        _split.Split(_tokens).CopyTo(_quotas);
    }

    protected override void Share(int expert, ReadOnlySpan<int> counts, Span<int> rows)
    {
        ReadOnlySpan<int> ranks = Placement.RanksOf(expert);
        int first = Placement.FirstShardOf(expert);
        for (int source = 0; source < _left.Length; source++)
        {
            _left[source] = counts[source * Placement.Experts + expert];
        }

        for (int i = 0; i < ranks.Length; i++)
        {
            Give(ranks[i], first + i, rows);
        }

        for (int source = 0; source < _left.Length; source++)
        {
            for (int i = 0; i < ranks.Length && _left[source] > 0; i++)
            {
                Give(source, first + i, rows);
            }
        }
    }

    private void Give(int source, int shard, Span<int> rows)
    {
        int given = (int)Math.Min(_left[source], _quotas[shard]);
        rows[source * Placement.Shards + shard] += given;
        _left[source] -= given;
        _quotas[shard] -= given;
    }
}

/// <summary>
/// The split by whole micro-batches (<see cref="MicroBatchQuotas"/>): what a source has for an expert goes to one replica, so that a part of its
/// weight gradient is summed in one place.
/// </summary>
internal sealed class WholePartSplit(LayerPlacement placement) : ReplicaSplit(placement)
{
    private readonly MicroBatchAssignment _assignment = new(placement, placement.Workers);
    private readonly long[] _parts = new long[placement.Experts * placement.Workers];
    private readonly int[] _replicas = new int[placement.Experts * placement.Workers];

    protected override void Decide(ReadOnlySpan<int> counts)
    {
        for (int expert = 0; expert < Placement.Experts; expert++)
        {
            for (int source = 0; source < Placement.Workers; source++)
            {
                _parts[expert * Placement.Workers + source] = counts[source * Placement.Experts + expert];
            }
        }

        _assignment.Assign(_parts).CopyTo(_replicas);
    }

    protected override void Share(int expert, ReadOnlySpan<int> counts, Span<int> rows)
    {
        for (int source = 0; source < Placement.Workers; source++)
        {
            int shard = Placement.FirstShardOf(expert) + _replicas[expert * Placement.Workers + source];
            rows[source * Placement.Shards + shard] = counts[source * Placement.Experts + expert];
        }
    }
}
