using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>
/// The split by single tokens: the busiest worker gets the least that any split can give it, to within 1/2048 of it (exactly, below 2048
/// tokens per worker). Whole numbers only, so it is the same everywhere.
/// <para>
/// Each expert's tokens are poured over its replicas like water over an uneven floor, again and again while that helps; then paths of replicas carry what is above
/// the level to workers below it. Where no path is left, a set of workers is shut in with its tokens; their mean is a proven bound and
/// becomes the level. O(shards) for each pouring and each path; few paths are needed after pouring.
/// </para>
/// Source: the dual of the minimum-makespan flow (Hall's condition); water-filling as in ALGORITHMS, "Quotas".
/// </summary>
public sealed class TokenQuotas : IQuotaRule
{
    /// <inheritdoc />
    public LayerQuotas Split(LayerPlacement placement, ReadOnlySpan<long> tokens) =>
        new(placement, new TokenSplit(placement, isForOnce: true).Split(tokens).ToArray());
}

/// <summary>
/// <see cref="TokenQuotas"/> for one placement, again and again without allocation: what workers run in every round. Not thread-safe.
/// </summary>
public sealed class TokenSplit
{
    private const int Pourings = 32;

    /// <summary>A worker may stay above the least possible level by one part of so many.</summary>
    private const int Precision = 2048;

    private readonly LayerPlacement _placement;
    private readonly long[] _quotas;
    private readonly long[] _loads;
    private readonly int[] _shared;
    private readonly int[] _order;
    private readonly long[] _keys;
    private AugmentingPaths? _paths;

    /// <summary>Makes room for the splits of a placement.</summary>
    /// <param name="placement">Where the replicas are.</param>
    public TokenSplit(LayerPlacement placement)
        : this(placement, isForOnce: false)
    {
    }

    /// <summary>As the public one; what a split seldom needs is left until it is needed if there will be but one.</summary>
    internal TokenSplit(LayerPlacement placement, bool isForOnce)
    {
        _placement = placement;
        _quotas = new long[placement.Shards];
        _loads = new long[placement.Workers];
        _shared = [.. Enumerable.Range(0, placement.Experts).Where(expert => placement.RanksOf(expert).Length > 1)];
        _order = new int[_shared.Length];
        _keys = new long[_shared.Length];
        _paths = isForOnce ? null : new AugmentingPaths(placement, _quotas, _loads);
    }

    /// <summary>Splits the tokens of a round.</summary>
    /// <param name="tokens">By expert: tokens.</param>
    /// <returns>Tokens of every shard in canonical order, valid until the next call.</returns>
    public ReadOnlySpan<long> Split(ReadOnlySpan<long> tokens)
    {
        Array.Clear(_quotas);
        Array.Clear(_loads);
        (long level, long slack) = Pour(tokens);
        if (_loads.Max() > level + slack)
        {
            _paths ??= new AugmentingPaths(_placement, _quotas, _loads);
            _paths.Balance(level, slack);
        }

        return _quotas;
    }

    /// <summary>Fills quotas and loads, and returns a level that the busiest worker cannot go below.</summary>
    private (long Level, long Slack) Pour(ReadOnlySpan<long> tokens)
    {
        long all = 0, level = 0;
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            all += tokens[expert];
            if (_placement.RanksOf(expert) is [int only])
            {
                _loads[only] += tokens[expert];
                _quotas[_placement.FirstShardOf(expert)] = tokens[expert];
            }
        }

        // Heaviest first: the light ones fill what is left uneven.
        _shared.CopyTo(_order, 0);
        for (int i = 0; i < _order.Length; i++)
        {
            long own = tokens[_order[i]];
            int replicas = _placement.RanksOf(_order[i]).Length;
            level = Math.Max(level, (own + replicas - 1) / replicas);
            _keys[i] = -own;
        }

        Array.Sort(_keys, _order);
        level = Math.Max(level, Math.Max((all + _placement.Workers - 1) / _placement.Workers, _loads.Max()));
        long slack = level / Precision, most = long.MaxValue;
        for (int pouring = 0; pouring < Pourings && most > level + slack; pouring++)
        {
            foreach (int expert in _order)
            {
                Span<long> own = _quotas.AsSpan(_placement.FirstShardOf(expert).._placement.FirstShardOf(expert + 1));
                WaterLevel.Pour(tokens[expert], _placement.RanksOf(expert), own, _loads);
            }

            long before = most;
            most = _loads.Max();
            if (before - most <= slack)
            {
                break;
            }
        }

        return (level, slack);
    }
}

/// <summary>Pours one expert's tokens over its replicas' workers so that the highest of them stands as low as it can.</summary>
internal static class WaterLevel
{
    /// <summary>Takes the expert's old quotas back and shares its tokens out anew, in whole tokens. O(replicas · passes), few passes.</summary>
    /// <param name="tokens">Tokens of the expert.</param>
    /// <param name="ranks">Ranks of its replicas.</param>
    /// <param name="quotas">Its quotas: what is in <paramref name="loads"/> now, and the new ones.</param>
    /// <param name="loads">Load of every worker.</param>
    public static void Pour(long tokens, ReadOnlySpan<int> ranks, Span<long> quotas, Span<long> loads)
    {
        for (int i = 0; i < ranks.Length; i++)
        {
            loads[ranks[i]] -= quotas[i];
            quotas[i] = -1;
        }

        // A worker that stands above the level takes nothing; without it the level sinks, so look again.
        long sum = tokens;
        int under = ranks.Length;
        foreach (int rank in ranks)
        {
            sum += loads[rank];
        }

        bool sank = true;
        while (sank)
        {
            sank = false;
            for (int i = 0; i < ranks.Length; i++)
            {
                if (quotas[i] < 0 && loads[ranks[i]] * under > sum)
                {
                    sum -= loads[ranks[i]];
                    under--;
                    quotas[i] = 0;
                    sank = true;
                }
            }
        }

        // sum = level · under + rest; the first `rest` of them take one token more.
        (long level, long rest) = Math.DivRem(sum, under);
        for (int i = 0; i < ranks.Length; i++)
        {
            if (quotas[i] < 0)
            {
                long top = level + (rest-- > 0 ? 1 : 0);
                quotas[i] = top - loads[ranks[i]];
                loads[ranks[i]] = top;
            }
        }
    }
}
