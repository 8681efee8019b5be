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
    private const int Pourings = 32;

    /// <summary>A worker may stay above the least possible level by one part of so many.</summary>
    private const int Precision = 2048;

    /// <inheritdoc />
    public LayerQuotas Split(LayerPlacement placement, ReadOnlySpan<long> tokens)
    {
        long[] quotas = new long[placement.Shards];
        long[] loads = new long[placement.Workers];
        (long level, long slack) = Pour(placement, tokens, quotas, loads);
        if (loads.Max() > level + slack)
        {
            new QuotaPaths(placement, quotas, loads).Level(level, slack);
        }

        return new LayerQuotas(placement, quotas);
    }

    /// <summary>Fills quotas and loads, and returns a level that the busiest worker cannot go below.</summary>
    private static (long Level, long Slack) Pour(LayerPlacement placement, ReadOnlySpan<long> tokens, long[] quotas, long[] loads)
    {
        long all = 0, level = 0;
        List<int> shared = [];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            all += tokens[expert];
            if (placement.RanksOf(expert) is [int only])
            {
                loads[only] += tokens[expert];
                quotas[placement.FirstShardOf(expert)] = tokens[expert];
            }
            else
            {
                int replicas = placement.RanksOf(expert).Length;
                level = Math.Max(level, (tokens[expert] + replicas - 1) / replicas);
                shared.Add(expert);
            }
        }

        level = Math.Max(level, Math.Max((all + placement.Workers - 1) / placement.Workers, loads.Max()));
        int[] order = [.. shared];
        long[] keys = new long[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            keys[i] = -tokens[order[i]];
        }

        // Heaviest first: the light ones fill what is left uneven.
        Array.Sort(keys, order);
        long slack = level / Precision, most = long.MaxValue;
        for (int pouring = 0; pouring < Pourings && most > level + slack; pouring++)
        {
            foreach (int expert in order)
            {
                Span<long> own = quotas.AsSpan(placement.FirstShardOf(expert)..placement.FirstShardOf(expert + 1));
                WaterLevel.Pour(tokens[expert], placement.RanksOf(expert), own, loads);
            }

            long before = most;
            most = loads.Max();
            if (before - most <= slack)
            {
                break;
            }
        }

        return (level, slack);
    }
}
