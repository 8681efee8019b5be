using System.Collections.Immutable;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Costs;

/// <summary>
/// Predicted time of one MoE layer in one training step: T = max over workers of Σ over its shards of (3 · compute + 4 · exchange +
/// synchronisation of replicas). Source: FlexMoE (arXiv 2304.03946), section 3.
/// </summary>
public sealed class CostModel
{
    /// <summary>Passes of a training step: forward and the two halves of backward.</summary>
    public const int ComputePasses = 3;

    /// <summary>Exchanges of a training step: dispatch and combine, forward and backward.</summary>
    public const int Exchanges = 4;

    private readonly double[] _exchangeSecondsPerToken;

    /// <summary>Prepares the model of a cluster. O(workers · hosts).</summary>
    /// <param name="calibration">What the workers compute.</param>
    /// <param name="size">Sizes of a shard.</param>
    /// <param name="topology">Workers and links.</param>
    /// <param name="links">What exchanges take beside their bytes; nothing unless given.</param>
    public CostModel(Calibration calibration, ShardSize size, ClusterTopology topology, LinkCosts? links = null)
    {
        Links = links ?? LinkCosts.None;
        Collectives = new CollectiveCosts(topology, Links);
        Calibration = calibration;
        Size = size;
        Topology = topology;

        // Tokens come evenly from all workers; those of the worker itself cross no link.
        int workers = topology.Workers.Length;
        int[] onHost = new int[topology.Hosts];
        foreach (int host in topology.HostOf)
        {
            onHost[host]++;
        }

        _exchangeSecondsPerToken = new double[workers];
        for (int rank = 0; rank < workers; rank++)
        {
            int neighbours = onHost[topology.HostOf[rank]] - 1;
            double perByte = (neighbours / topology.InHostBandwidth) + ((workers - 1 - neighbours) / topology.BetweenHostsBandwidth);
            _exchangeSecondsPerToken[rank] = size.TokenBytes * perByte / workers;
        }
    }

    /// <summary>What the workers compute.</summary>
    public Calibration Calibration { get; }

    /// <summary>Sizes of a shard.</summary>
    public ShardSize Size { get; }

    /// <summary>Workers and links.</summary>
    public ClusterTopology Topology { get; }

    /// <summary>What exchanges take beside their bytes. Choices of parallelism differ in it; placements do not.</summary>
    public LinkCosts Links { get; }

    /// <summary>What collective operations take.</summary>
    public CollectiveCosts Collectives { get; }

    /// <summary>Seconds that every worker spends in the layer. O(shards).</summary>
    public double[] WorkerSeconds(LayerQuotas quotas)
    {
        double[] seconds = new double[quotas.Placement.Workers];
        for (int expert = 0; expert < quotas.Placement.Experts; expert++)
        {
            ReadOnlySpan<int> ranks = quotas.Placement.RanksOf(expert);
            ReadOnlySpan<long> tokens = quotas.Of(expert);
            double synchronisation = SynchronisationSeconds(ranks);
            for (int i = 0; i < ranks.Length; i++)
            {
                seconds[ranks[i]] += (ComputePasses * Calibration.ForwardSeconds(tokens[i]))
                    + (Exchanges * tokens[i] * _exchangeSecondsPerToken[ranks[i]])
                    + synchronisation;
            }
        }

        return seconds;
    }

    /// <summary>Seconds of the layer in one training step: those of the slowest worker. O(shards).</summary>
    public double LayerSeconds(LayerQuotas quotas) => WorkerSeconds(quotas).Max();

    /// <summary>Seconds of the layer in one training step if every worker had the mean load and no expert a replica. O(workers).</summary>
    /// <param name="tokens">Tokens of all workers together.</param>
    public double BalancedSeconds(long tokens)
    {
        int workers = Topology.Workers.Length;
        return (ComputePasses * Calibration.ForwardSeconds(tokens / workers)) + (Exchanges * (double)tokens / workers * _exchangeSecondsPerToken.Max());
    }

    /// <summary>Seconds of a ring all-reduce of one expert's gradients: 2 (r − 1) / r · bytes over the slowest link. O(replicas).</summary>
    /// <param name="ranks">Ranks of its replicas.</param>
    public double SynchronisationSeconds(ReadOnlySpan<int> ranks)
    {
        if (ranks.Length < 2)
        {
            return 0;
        }

        double bandwidth = Topology.InHostBandwidth;
        for (int i = 1; i < ranks.Length; i++)
        {
            bandwidth = Math.Min(bandwidth, Topology.Bandwidth(ranks[0], ranks[i]));
        }

        return 2.0 * (ranks.Length - 1) / ranks.Length * Size.GradientBytes / bandwidth;
    }

    /// <summary>What transient copies cost and save, in picoseconds. O(points).</summary>
    /// <param name="rows">Rows of an expert on one worker at which a row's time is taken.</param>
    /// <param name="weightsSent">How often a copy's weights are sent in a step: once if they are kept until backward, else twice.</param>
    /// <param name="gradientPerSegment">Whether every segment sends a gradient of its own (reproducible mode), or every copy one.</param>
    /// <param name="mostCopies">Copies that a worker has memory for.</param>
    public CopyCoefficients CopyCoefficients(long rows, int weightsSent, bool gradientPerSegment, int mostCopies = int.MaxValue)
    {
        const double Picoseconds = 1e12;
        double slowest = Topology.Hosts > 1 ? Topology.BetweenHostsBandwidth : Topology.InHostBandwidth;
        double message = Topology.Hosts > 1 ? Links.BetweenHostsMessageSeconds : Links.InHostMessageSeconds;
        int workers = Topology.Workers.Length;
        return new CopyCoefficients
        {
            Row = Whole(ComputePasses * Calibration.ForwardSeconds(rows) / rows),

            // The mean over all sources, the worker itself among them, becomes that of the others.
            RowExchange = workers > 1 ? Whole(Exchanges * _exchangeSecondsPerToken.Max() * workers / (workers - 1)) : 0,
            Weights = Whole(weightsSent * Size.WeightBytes / slowest),
            Gradient = Whole(Size.GradientBytes / slowest),
            Latency = Whole((weightsSent + 1) * message),
            GradientPerSegment = gradientPerSegment,
            MostCopies = mostCopies,
        };

        static long Whole(double seconds) => (long)Math.Round(seconds * Picoseconds);
    }

    /// <summary>Seconds of a plan's transfers: those of the worker that sends or receives longest, all workers at once. O(moves).</summary>
    public double MoveSeconds(ImmutableArray<ShardMove> moves)
    {
        double[] sends = new double[Topology.Workers.Length], receives = new double[Topology.Workers.Length];
        double slowest = 0;
        foreach (ShardMove move in moves)
        {
            double seconds = Size.StateBytes / Topology.Bandwidth(move.From, move.To);
            slowest = Math.Max(slowest, Math.Max(sends[move.From] += seconds, receives[move.To] += seconds));
        }

        return slowest;
    }
}

/// <summary>Sizes of one expert shard, in bytes.</summary>
/// <param name="GradientBytes">Gradients, reduced among replicas every step.</param>
/// <param name="StateBytes">Weights and optimizer moments: what a move carries.</param>
/// <param name="TokenBytes">One token's row in an exchange.</param>
public sealed record ShardSize(long GradientBytes, long StateBytes, long TokenBytes)
{
    /// <summary>Weights alone: what a transient copy or a gathering carries. As many bytes as gradients unless set.</summary>
    public long WeightBytes { get; init; } = GradientBytes;
}
