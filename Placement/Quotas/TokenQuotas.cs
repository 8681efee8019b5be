using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>
/// The split by single tokens: the busiest worker gets the least that any split can give it, to within 1/2048 of it (exactly, below 2048
/// tokens per worker). Whole numbers only, so it is the same everywhere.
/// <para>
/// First water-filling, expert by expert in several sweeps: each expert's tokens are split so that those of its workers that get any end with
/// the same load, the water-filling level, which no other is below. Then augmenting paths (<see cref="AugmentingPaths"/>) move tokens from
/// workers above the bound to workers below it. The bound starts at the mean load, or above it where one worker or one expert alone demands
/// that. Where no path exists, a set of workers holds every replica of the experts that load it, and its mean load is the new bound.
/// O(shards) for each sweep and each path; few paths are needed after the sweeps.
/// </para>
/// Source: water-filling as in Cover and Thomas, Elements of Information Theory (second edition), section 9.4; the bound is Hall's condition
/// ("On representatives of subsets", J. London Math. Soc. 10, 1935).
/// </summary>
public sealed class TokenQuotas : IQuotaRule
{
    /// <inheritdoc />
    public LayerQuotas Split(LayerPlacement placement, ReadOnlySpan<long> tokens) =>
        new(placement, new TokenSplit(placement, isForOnce: true).Split(tokens).ToArray());
}

/// <summary>
/// <see cref="TokenQuotas"/> for one placement, repeatedly and without allocation: what workers run in every round. Not thread-safe.
/// </summary>
public sealed class TokenSplit
{
    private const int MostSweeps = 32;

    /// <summary>A load may stay above the least possible maximum by one part of so many.</summary>
    private const int Precision = 2048;

    private readonly LayerPlacement _placement;
    private readonly long[] _quotas;
    private readonly long[] _loads;
    private readonly int[] _shared;
    private readonly int[] _order;
    private readonly long[] _keys;
    private AugmentingPaths? _paths;

    /// <summary>Allocates the buffers for a placement.</summary>
    /// <param name="placement">Where the replicas are.</param>
    public TokenSplit(LayerPlacement placement)
        : this(placement, isForOnce: false)
    {
    }

    /// <summary>As the public constructor; for a single split, the search for augmenting paths is only built when it is needed.</summary>
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
        (long bound, long slack) = FillAll(tokens);
        if (_loads.Max() > bound + slack)
        {
            _paths ??= new AugmentingPaths(_placement, _quotas, _loads);
            _paths.Balance(bound, slack);
        }

        return _quotas;
    }

    /// <summary>Computes quotas and loads by water-filling, and a lower bound of the highest load.</summary>
    private (long Bound, long Slack) FillAll(ReadOnlySpan<long> tokens)
    {
        long all = 0, bound = 0;
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            all += tokens[expert];
            if (_placement.RanksOf(expert) is [int only])
            {
                _loads[only] += tokens[expert];
                _quotas[_placement.FirstShardOf(expert)] = tokens[expert];
            }
        }

        // Heaviest first, so that lighter experts even out what heavier ones leave uneven.
        _shared.CopyTo(_order, 0);
        for (int i = 0; i < _order.Length; i++)
        {
            long own = tokens[_order[i]];
            int replicas = _placement.RanksOf(_order[i]).Length;
            bound = Math.Max(bound, (own + replicas - 1) / replicas);
            _keys[i] = -own;
        }

        Array.Sort(_keys, _order);
        bound = Math.Max(bound, Math.Max((all + _placement.Workers - 1) / _placement.Workers, _loads.Max()));
        long slack = bound / Precision, most = long.MaxValue;
        for (int sweep = 0; sweep < MostSweeps && most > bound + slack; sweep++)
        {
            foreach (int expert in _order)
            {
                Span<long> own = _quotas.AsSpan(_placement.FirstShardOf(expert).._placement.FirstShardOf(expert + 1));
                WaterFilling.Split(tokens[expert], _placement.RanksOf(expert), own, _loads);
            }

            long before = most;
            most = _loads.Max();
            if (before - most <= slack)
            {
                break;
            }
        }

        return (bound, slack);
    }
}

/// <summary>Splits one expert's tokens over the workers of its replicas so that the highest load among them is as low as possible.</summary>
internal static class WaterFilling
{
    /// <summary>Removes the expert's old quotas from the loads and splits its tokens anew, in whole tokens. O(replicas · passes), few passes.</summary>
    /// <param name="tokens">Tokens of the expert.</param>
    /// <param name="ranks">Ranks of its replicas.</param>
    /// <param name="quotas">Its quotas: what is in <paramref name="loads"/> now, and the new ones.</param>
    /// <param name="loads">Load of every worker.</param>
    public static void Split(long tokens, ReadOnlySpan<int> ranks, Span<long> quotas, Span<long> loads)
    {
        for (int i = 0; i < ranks.Length; i++)
        {
            loads[ranks[i]] -= quotas[i];
            quotas[i] = -1;
        }

        // A worker whose other load is above the level gets nothing; without it the level is lower, so look again.
        long sum = tokens;
        int under = ranks.Length;
        foreach (int rank in ranks)
        {
            sum += loads[rank];
        }

        bool lowered = true;
        while (lowered)
        {
            lowered = false;
            for (int i = 0; i < ranks.Length; i++)
            {
                if (quotas[i] < 0 && loads[ranks[i]] * under > sum)
                {
                    sum -= loads[ranks[i]];
                    under--;
                    quotas[i] = 0;
                    lowered = true;
                }
            }
        }

        // sum = level · under + rest; the first `rest` of them get one token more.
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
