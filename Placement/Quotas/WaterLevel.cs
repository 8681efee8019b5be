namespace MoEActors.Placement.Quotas;

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
