using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>How the tokens of an expert are split over its replicas. Every worker computes the same quotas from the same counts.</summary>
public interface IQuotaRule
{
    /// <summary>Splits one step's tokens of one layer so that the highest load of a worker is low.</summary>
    /// <param name="placement">Where the replicas are.</param>
    /// <param name="tokens">By expert: tokens of this step.</param>
    LayerQuotas Split(LayerPlacement placement, ReadOnlySpan<long> tokens);
}

/// <summary>Which replica serves how many tokens of one layer in one step.</summary>
public sealed class LayerQuotas
{
    private readonly long[] _tokens;
    private readonly long[] _workers;

    internal LayerQuotas(LayerPlacement placement, long[] tokens)
    {
        Placement = placement;
        _tokens = tokens;
        _workers = new long[placement.Workers];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            ReadOnlySpan<int> ranks = placement.RanksOf(expert);
            for (int i = 0; i < ranks.Length; i++)
            {
                _workers[ranks[i]] += tokens[placement.FirstShardOf(expert) + i];
            }
        }
    }

    /// <summary>The placement whose replicas share the tokens.</summary>
    public LayerPlacement Placement { get; }

    /// <summary>Tokens of an expert's replicas, in the order of its ranks.</summary>
    public ReadOnlySpan<long> Of(int expert) => _tokens.AsSpan(Placement.FirstShardOf(expert)..Placement.FirstShardOf(expert + 1));

    /// <summary>Tokens of every worker.</summary>
    public ReadOnlySpan<long> WorkerTokens => _workers;

    /// <summary>The busiest worker's tokens over the mean of all workers; 1 where there are none.</summary>
    public double BalanceRatio => _workers.Sum() is > 0 and long all ? (double)_workers.Max() * _workers.Length / all : 1;
}
