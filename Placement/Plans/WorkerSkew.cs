using MoEActors.Placement.Load;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Plans;

/// <summary>How far the busiest worker of a layer stands out, and how sure that is.</summary>
/// <param name="Ratio">Its mean load over the mean of all workers.</param>
/// <param name="StandardError">Standard error of the ratio: counting noise, or the scatter between samples where that is more.</param>
internal readonly record struct WorkerSkew(double Ratio, double StandardError)
{
    /// <summary>Mean loads are scaled up to so many tokens per worker, so that whole tokens are fine enough.</summary>
    private const double Scale = 1 << 20;

    /// <summary>Measures a layer over the window. O(quotas + samples · experts).</summary>
    public static WorkerSkew Of(int layer, LayerPlacement placement, LoadWindow load, IQuotaRule rule)
    {
        double[] mean = load.Mean(layer);
        double perWorker = mean.Sum() / placement.Workers;
        if (perWorker == 0)
        {
            return new WorkerSkew(1, 0);
        }

        LayerQuotas quotas = rule.Split(placement, [.. mean.Select(tokens => (long)(tokens * Scale / perWorker))]);
        int busiest = quotas.WorkerTokens.IndexOf(quotas.WorkerTokens.ToArray().Max());
        double[] shares = Shares(quotas, busiest);
        double[] weights = load.Weights(layer);
        double variance = 0, sum = weights.Sum();
        foreach ((double weight, LoadSample sample) in weights.Zip(load.Samples.Reverse()))
        {
            double all = Math.Max(1, sample.Tokens[layer].Sum()), own = 0;
            for (int expert = 0; expert < shares.Length; expert++)
            {
                own += shares[expert] * sample.Tokens[layer][expert];
            }

            double away = (own * placement.Workers / all) - quotas.BalanceRatio;
            variance += weight / sum * away * away;
        }

        double samples = sum * sum / weights.Sum(weight => weight * weight);
        return new WorkerSkew(quotas.BalanceRatio, Math.Sqrt(Math.Max(variance, 1 / perWorker) / samples));
    }

    /// <summary>By expert: the part of its tokens that a worker serves.</summary>
    private static double[] Shares(LayerQuotas quotas, int rank)
    {
        double[] shares = new double[quotas.Placement.Experts];
        for (int expert = 0; expert < shares.Length; expert++)
        {
            ReadOnlySpan<long> own = quotas.Of(expert);
            int replica = quotas.Placement.RanksOf(expert).BinarySearch(rank);
            long all = 0;
            foreach (long tokens in own)
            {
                all += tokens;
            }

            shares[expert] = replica < 0 || all == 0 ? 0 : (double)own[replica] / all;
        }

        return shares;
    }
}
