using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Policy;

/// <summary>How far the busiest worker's load is above the mean, and the standard error of that.</summary>
/// <param name="Ratio">Its mean load over the mean of all workers.</param>
/// <param name="StandardError">Standard error of the ratio: counting noise, or the scatter between samples where that is more.</param>
/// <param name="Samples">Effective number of samples, given their weights; at least 1.</param>
internal readonly record struct WorkerSkew(double Ratio, double StandardError, double Samples)
{
    /// <summary>Mean loads are scaled up to so many tokens per worker, so that rounding to whole tokens does not matter.</summary>
    private const double Scale = 1 << 20;

    /// <summary>With fewer samples their variance is not used.</summary>
    private const double LeastSamples = 1.2;

    /// <summary>Measures a layer over the window. O(quotas + samples · shards).</summary>
    public static WorkerSkew Of(int layer, LayerPlacement placement, LoadWindow load, IQuotaRule rule)
    {
        double[] mean = load.Mean(layer);
        double perWorker = mean.Sum() / placement.Workers;
        if (perWorker == 0)
        {
            return new WorkerSkew(1, 0, 1);
        }

        LayerQuotas quotas = rule.Split(placement, [.. mean.Select(tokens => (long)(tokens * Scale / perWorker))]);
        double[] weights = load.Weights(layer);
        double sum = weights.Sum(), samples = sum * sum / weights.Sum(weight => weight * weight);
        double[] variance = Variance(layer, quotas, load, weights);
        int busiest = quotas.WorkerTokens.IndexOf(quotas.WorkerTokens.ToArray().Max());

        // One worker's few samples may be close to each other by chance, all workers' seldom: its variance counts as at least the mean one.
        double scatter = samples < LeastSamples ? 0 : Math.Max(variance[busiest], variance.Average()) * samples / (samples - 1);
        return new WorkerSkew(quotas.BalanceRatio, Math.Sqrt(Math.Max(scatter, 1 / perWorker) / samples), samples);
    }

    /// <summary>By worker: variance between samples of its load over the mean, each expert's tokens split as in the quotas.</summary>
    private static double[] Variance(int layer, LayerQuotas quotas, LoadWindow load, double[] weights)
    {
        LayerPlacement placement = quotas.Placement;
        double[] shares = Shares(quotas), variance = new double[placement.Workers], loads = new double[placement.Workers];
        double sum = weights.Sum();
        foreach ((double weight, LoadSample sample) in weights.Zip(load.Samples.Reverse()).Where(sample => sample.First > 0))
        {
            long[] tokens = sample.Tokens[layer];
            double scale = placement.Workers / (double)Math.Max(1, tokens.Sum());
            Array.Clear(loads);
            for (int expert = 0; expert < tokens.Length; expert++)
            {
                int first = placement.FirstShardOf(expert);
                foreach (int rank in placement.RanksOf(expert))
                {
                    loads[rank] += shares[first++] * tokens[expert] * scale;
                }
            }

            for (int rank = 0; rank < loads.Length; rank++)
            {
                double away = loads[rank] - (quotas.WorkerTokens[rank] / Scale);
                variance[rank] += weight / sum * away * away;
            }
        }

        return variance;
    }

    /// <summary>By shard: the part of its expert's tokens that it serves.</summary>
    private static double[] Shares(LayerQuotas quotas)
    {
        LayerPlacement placement = quotas.Placement;
        double[] shares = new double[placement.Shards];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            ReadOnlySpan<long> own = quotas.Of(expert);
            double all = 0;
            foreach (long tokens in own)
            {
                all += tokens;
            }

            for (int i = 0; i < own.Length; i++)
            {
                shares[placement.FirstShardOf(expert) + i] = all == 0 ? 1.0 / own.Length : own[i] / all;
            }
        }

        return shares;
    }
}
