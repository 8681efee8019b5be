using MoEActors.Placement.Quotas;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Which replica serves which rows of one layer in one round, by single tokens. Every worker computes the same answer from the same counts; nothing is
/// allocated. Quotas come from <see cref="TokenQuotas"/>; a replica takes what its own worker has first, so that as few rows
/// travel as the quotas allow, then the rest in the order of sources and replicas.
/// </summary>
/// <param name="placement">Where the replicas are.</param>
internal sealed class ReplicaSplit(LayerPlacement placement)
{
    private readonly TokenSplit _split = new(placement);
    private readonly long[] _tokens = new long[placement.Experts];
    private readonly int[] _left = new int[placement.Workers];
    private readonly long[] _quotas = new long[placement.Shards];

    /// <summary>Shares out the rows of a round.</summary>
    /// <param name="counts">[sources × experts] rows.</param>
    /// <param name="rows">[sources × shards in canonical order] filled with rows.</param>
    public void Split(ReadOnlySpan<int> counts, Span<int> rows)
    {
        Decide(counts);
        rows.Clear();
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            if (placement.RanksOf(expert).Length > 1)
            {
                Share(expert, counts, rows);
                continue;
            }

            int shard = placement.FirstShardOf(expert);
            for (int source = 0; source < placement.Workers; source++)
            {
                rows[source * placement.Shards + shard] = counts[source * placement.Experts + expert];
            }
        }
    }

    private void Decide(ReadOnlySpan<int> counts)
    {
        Array.Clear(_tokens);
        for (int i = 0; i < counts.Length; i++)
        {
            _tokens[i % _tokens.Length] += counts[i];
        }

        _split.Split(_tokens).CopyTo(_quotas);
    }

    /// <summary>Fills in the rows of an expert with replicas.</summary>
    private void Share(int expert, ReadOnlySpan<int> counts, Span<int> rows)
    {
        ReadOnlySpan<int> ranks = placement.RanksOf(expert);
        int first = placement.FirstShardOf(expert);
        for (int source = 0; source < _left.Length; source++)
        {
            _left[source] = counts[source * placement.Experts + expert];
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
        rows[source * placement.Shards + shard] += given;
        _left[source] -= given;
        _quotas[shard] -= given;
    }
}
