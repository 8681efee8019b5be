using MoEActors.Placement.Quotas;

namespace MoEActors.Workers.Exchange;

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
