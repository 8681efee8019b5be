using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Placement.Simulation;

/// <summary>
/// The single MoE layer of Tutel's scaling study (arXiv 2206.03382, section 5.2), one technique after the other, as the cost model has it on the described
/// cluster: T = 16,384 a GPU, f = 1, D = H = 2,048, two experts a GPU, top-2. Nothing is fitted to what the study published, which stands beside it.
/// </summary>
public static class TutelLadder
{
    /// <summary>GPUs of the study.</summary>
    public static ImmutableArray<int> Sizes { get; } = [16, 32, 64, 128, 256, 512, 1024, 2048];

    private const int Dense = 5, DensePasses = 8, SparsePasses = 4, GatePasses = 10;

    /// <summary>The published speed-ups: number of GPUs, technique (end to end if null), figure.</summary>
    private static readonly (int Workers, LadderStep? Step, double SpeedUp)[] Figures =
    [
        (16, null, 4.96), (128, null, 3.11), (2048, null, 5.75),
        (16, LadderStep.Kernels, 3.52), (2048, LadderStep.Kernels, 1.04),
        (2048, LadderStep.Hierarchical, 4.25),
        (2048, LadderStep.Layout, 1.24),
        (16, LadderStep.Pipelining, 1.43), (2048, LadderStep.Pipelining, 1.04),
    ];

    /// <summary>Every size of the study.</summary>
    public static ImmutableArray<LadderRow> Climb() => [.. Sizes.Select(Of)];

    private static LadderRow Of(int workers)
    {
        LayerShape shape = new(workers, 2, 2048, 2048, 16_384, 1);
        ParallelismCosts costs = A100Cluster.Of(shape);
        ParallelismChoice linear = ParallelismChoice.ExpertParallel, hierarchical = linear with { Exchange = AllToAll.Hierarchical };
        double layout = ScatteredLayoutSeconds(shape), gate = GateSeconds(shape);
        ParallelismChoice pipelined = Best(A100Cluster.Choices(shape).Of(1));
        ParallelismChoice adaptive = Best(A100Cluster.Choices(shape).All());
        (LadderStep Step, double Seconds)[] times =
        [
            (LadderStep.Baseline, gate + DenseEncodingSeconds(shape) + Step(linear) + layout),
            (LadderStep.Kernels, gate + SparseEncodingSeconds(shape) + Step(linear) + layout),
            (LadderStep.Hierarchical, gate + SparseEncodingSeconds(shape) + Step(hierarchical) + layout),
            (LadderStep.Layout, gate + SparseEncodingSeconds(shape) + Step(hierarchical)),
            (LadderStep.Pipelining, gate + SparseEncodingSeconds(shape) + Step(pipelined)),
            (LadderStep.Parallelism, gate + SparseEncodingSeconds(shape) + Step(adaptive)),
        ];
        return new LadderRow(
            workers,
            [
                .. times.Select((time, i) => new LadderTime(
                    time.Step, time.Seconds, i == 0 ? 1 : times[i - 1].Seconds / time.Seconds, i == 0 ? null : Published(workers, time.Step))),
            ],
            pipelined,
            adaptive,
            SpeedUp: times[0].Seconds / times.First(time => time.Step == LadderStep.Pipelining).Seconds,
            Published(workers, null));

        double Step(ParallelismChoice choice) => costs.StepSeconds(choice, shape.Rows);

        ParallelismChoice Best(IEnumerable<ParallelismChoice> choices) => choices.MinBy(Step);
    }

    /// <summary>
    /// Encode and decode as products with a mask of T × (E · C): five such products forward and backward, and the mask made, converted, read and differentiated. Source: appendix B.
    /// </summary>
    private static double DenseEncodingSeconds(LayerShape shape) =>
        (Dense * 2.0 * shape.Tokens * shape.Rows * shape.ModelDimension / A100Cluster.Flops)
        + (DensePasses * sizeof(float) * (double)shape.Tokens * shape.Rows / A100Cluster.MemoryBandwidth);

    /// <summary>Encode and decode as copies of rows, forward and backward: k + 1 rows read or written for each token.</summary>
    private static double SparseEncodingSeconds(LayerShape shape) =>
        SparsePasses * sizeof(float) * (double)(shape.Tokens + shape.Rows) * shape.ModelDimension / A100Cluster.MemoryBandwidth;

    /// <summary>Scores of all experts, forward and backward, and what reads and writes them.</summary>
    private static double GateSeconds(LayerShape shape) =>
        (CostModel.ComputePasses * 2.0 * shape.Tokens * shape.ModelDimension * shape.Experts / A100Cluster.Flops)
        + (GatePasses * sizeof(float) * (double)shape.Tokens * shape.Experts / A100Cluster.MemoryBandwidth);

    /// <summary>What it takes more to compute the rows of every source by themselves, as they lie after a plain all-to-all, than all rows of an expert together.</summary>
    private static double ScatteredLayoutSeconds(LayerShape shape)
    {
        double local = CostModel.ComputePasses * shape.ExpertsPerWorker;
        return local * (A100Cluster.ForwardSeconds(shape, shape.Capacity / shape.Workers, shape.Workers) - A100Cluster.ForwardSeconds(shape, shape.Capacity));
    }

    private static double? Published(int workers, LadderStep? step)
    {
        foreach ((int ofWorkers, LadderStep? ofStep, double speedUp) in Figures)
        {
            if (ofWorkers == workers && ofStep == step)
            {
                return speedUp;
            }
        }

        return null;
    }
}

/// <summary>The techniques in the order in which the study adds them.</summary>
public enum LadderStep
{
    /// <summary>Fairseq and DeepSpeed-MoE: dense encode and decode, plain linear all-to-all.</summary>
    Baseline,

    /// <summary>Sparse encode and decode.</summary>
    Kernels,

    /// <summary>The hierarchical all-to-all (2DH).</summary>
    Hierarchical,

    /// <summary>All rows of an expert lie together after the exchange (flexible all-to-all).</summary>
    Layout,

    /// <summary>The best overlap degree and all-to-all.</summary>
    Pipelining,

    /// <summary>The best r as well; the study leaves it out.</summary>
    Parallelism,
}

/// <summary>One technique at one size.</summary>
/// <param name="Step">The technique.</param>
/// <param name="Seconds">Modelled seconds of the layer, forward and backward, with it and all before it.</param>
/// <param name="SpeedUp">The seconds before it over these.</param>
/// <param name="Published">The published speed-up; null where there is none.</param>
public sealed record LadderTime(LadderStep Step, double Seconds, double SpeedUp, double? Published);

/// <summary>One size of the study.</summary>
/// <param name="Workers">Number of GPUs.</param>
/// <param name="Steps">Technique by technique.</param>
/// <param name="Pipelined">The choice at <see cref="LadderStep.Pipelining"/>.</param>
/// <param name="Adaptive">The choice at <see cref="LadderStep.Parallelism"/>.</param>
/// <param name="SpeedUp">The baseline's seconds over those with all techniques of the study.</param>
/// <param name="Published">The published speed-up; null where there is none.</param>
public sealed record LadderRow(
    int Workers, ImmutableArray<LadderTime> Steps, ParallelismChoice Pipelined, ParallelismChoice Adaptive, double SpeedUp, double? Published);
