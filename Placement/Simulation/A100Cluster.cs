using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Placement.Simulation;

/// <summary>One MoE layer whose experts are two matrices in fp32, as it is trained on a number of workers.</summary>
/// <param name="Workers">Number of workers.</param>
/// <param name="ExpertsPerWorker">Experts over workers; below 1 an expert has several workers.</param>
/// <param name="ModelDimension">D.</param>
/// <param name="Hidden">H.</param>
/// <param name="Tokens">T, tokens of a worker in a step.</param>
/// <param name="CapacityFactor">f; buffers are filled up to it.</param>
public sealed record LayerShape(int Workers, double ExpertsPerWorker, int ModelDimension, int Hidden, int Tokens, double CapacityFactor)
{
    /// <summary>Experts that a token chooses.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>Experts of the layer.</summary>
    public int Experts => Math.Max(1, (int)(Workers * ExpertsPerWorker));

    /// <summary>Rows of a worker: k · f · T.</summary>
    public long Rows => (long)(TopK * CapacityFactor * Tokens);

    /// <summary>Rows of an expert from all workers.</summary>
    public long Capacity => Rows * Workers / Experts;

    /// <summary>Bytes of one expert's weights.</summary>
    public long WeightBytes => 2L * ModelDimension * Hidden * sizeof(float);
}

/// <summary>
/// The cluster on which Tutel was measured (arXiv 2206.03382, section 5): hosts of eight A100 SXM 80 GB, NVLink inside, eight HDR InfiniBand links of 200 Gb/s
/// between. Its figures, and where they stand:
/// <list type="bullet">
/// <item>25 GB/s between hosts: the line rate of HDR (section 5, testbed).</item>
/// <item>196 GB/s inside: an all-to-all of 128 MiB on eight GPUs takes about 600 µs (appendix A.2).</item>
/// <item>155 µs for a message between hosts: what is left of the all-to-all times on 16, 64 and 256 GPUs (table 2: 189.1, 323.8, 491.3 ms for 64 Ki tokens, D = 4096, taken as
/// fp32 and top-2) when the bytes are taken off, by least squares; with it the three come out at 196, 340 and 488 ms.</item>
/// <item>116 TFLOP/s: a large fp32 product as PyTorch runs it on an A100, in TF32 (M. Li, transformers-benchmarks); the data sheet has 156.</item>
/// <item>1.02 TB/s for a copy: half of the data sheet's 2,039 GB/s, as it reads and writes. Products that read more than they compute are bound by the whole.</item>
/// <item>20 µs to start a collective operation: assumed; it matters to small layers alone.</item>
/// </list>
/// </summary>
public static class A100Cluster
{
    /// <summary>GPUs of a host.</summary>
    public const int PerHost = 8;

    /// <summary>Bytes of memory that a GPU has.</summary>
    public const long MemoryBytes = 80_000_000_000;

    /// <summary>Floating-point operations per second of a large product.</summary>
    public const double Flops = 116e12;

    /// <summary>Bytes per second that a GPU reads from its memory.</summary>
    public const double MemoryBandwidth = 2.039e12;

    /// <summary>Seconds of a message between hosts.</summary>
    public const double MessageSeconds = 155e-6;

    private const double InHostBandwidth = 196e9, BetweenHostsBandwidth = 25e9, CollectiveSeconds = 20e-6;

    /// <summary>Rows of the smallest tile in which cuBLAS computes a product: fewer take as long. Source: NVIDIA, "Matrix Multiplication Background User's Guide".</summary>
    private const int TileRows = 64;

    /// <summary>What a layer costs on the cluster.</summary>
    /// <param name="shape">The layer.</param>
    /// <param name="differs">How the cluster differs from the one described; not at all unless given.</param>
    public static ParallelismCosts Of(LayerShape shape, ClusterDifference? differs = null)
    {
        differs ??= ClusterDifference.None;
        WorkerCapacity[] workers =
            [.. Enumerable.Range(0, shape.Workers).Select(rank => new WorkerCapacity($"host {rank / PerHost}", int.MaxValue))];
        double between = BetweenHostsBandwidth * differs.BetweenHosts;
        CostModel costs = new(
            new Calibration(Forward(shape, differs.Compute)),
            new ShardSize(shape.WeightBytes, 3 * shape.WeightBytes, shape.ModelDimension * sizeof(float)),
            new ClusterTopology(workers, Math.Max(between, InHostBandwidth * differs.InHost), between),
            new LinkCosts(CollectiveSeconds, 0, differs.MessageSeconds, MemoryBandwidth / 2));
        return new ParallelismCosts(costs, shape.Experts);
    }

    /// <summary>The choices that the memory of a GPU leaves: r = 0 needs weights and gradients of all experts, in half of it.</summary>
    public static PossibleChoices Choices(LayerShape shape) => new()
    {
        MostSlices = Math.Max(1, shape.Workers / shape.Experts),
        CanGather = 2 * shape.WeightBytes * shape.Experts <= MemoryBytes / 2,
        Overlaps = [1, 2, 4, 8],
        Exchanges = [AllToAll.Linear, AllToAll.Hierarchical],
    };

    /// <summary>Seconds of the two products of one expert: whole tiles of rows at the rate of large products, or reading its weights where that takes longer.</summary>
    /// <param name="shape">The layer.</param>
    /// <param name="rows">Rows of a product.</param>
    /// <param name="batches">Products with the same weights, one after the other, which read them once.</param>
    public static double ForwardSeconds(LayerShape shape, long rows, long batches = 1)
    {
        long tiles = batches * ((rows + TileRows - 1) / TileRows);
        double product = (double)shape.ModelDimension * shape.Hidden;
        double flops = 2 * tiles * TileRows * product;
        double bytes = sizeof(float) * (product + (batches * rows * (double)(shape.ModelDimension + shape.Hidden)));
        return 2 * Math.Max(flops / Flops, bytes / MemoryBandwidth);
    }

    private static ImmutableArray<ComputePoint> Forward(LayerShape shape, double rate)
    {
        // Up to a tile a product takes the same; from there on straight lines between powers of two come close.
        const int Largest = 20;
        return [.. Enumerable.Range(0, Largest + 1).Select(power => new ComputePoint(1L << power, ForwardSeconds(shape, 1L << power) / rate))];
    }
}

/// <summary>How a cluster differs from the described one.</summary>
/// <param name="Compute">Rate of computing, as a factor.</param>
/// <param name="InHost">Bandwidth inside a host, as a factor.</param>
/// <param name="BetweenHosts">Bandwidth between hosts, as a factor.</param>
/// <param name="MessageSeconds">A message between hosts.</param>
public sealed record ClusterDifference(double Compute, double InHost, double BetweenHosts, double MessageSeconds)
{
    /// <summary>The cluster as it is described.</summary>
    public static ClusterDifference None { get; } = new(1, 1, 1, A100Cluster.MessageSeconds);
}
