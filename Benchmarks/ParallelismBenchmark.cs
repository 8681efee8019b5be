using MoEActors.Placement.Map;

namespace MoEActors.Benchmarks;

/// <summary>
/// The same layer, its rows sent to experts and its experts sent to rows: steps of both alternate, so that both see the same machine.
/// </summary>
public static class ParallelismBenchmark
{
    private const int WarmupSteps = 3;

    /// <summary>Runs the benchmark.</summary>
    public static ParallelismReport Run(LayerShape shape, int workers, int steps, CancellationToken cancellation)
    {
        double[] expert = new double[steps], data = new double[steps];
        using var group = new LayerGroup(shape, workers);
        for (int i = 0; i < WarmupSteps; i++)
        {
            group.Step();
            group.Step(LayerParallelism.Data);
        }

        group.TakeSentBytes();
        long rows = 0, experts = 0;
        for (int i = 0; i < steps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            expert[i] = group.Step();
            rows = group.TakeSentBytes();
            data[i] = group.Step(LayerParallelism.Data);
            experts = group.TakeSentBytes();
        }

        double[] ratios = [.. expert.Zip(data, (one, other) => one / other)];
        return new ParallelismReport
        {
            Tokens = shape.Tokens,
            ModelDim = shape.ModelDimension,
            Hidden = shape.Hidden,
            Experts = shape.Experts,
            TopK = shape.TopK,
            Workers = workers,
            Steps = steps,
            ExpertSeconds = Samples.Median(expert),
            DataSeconds = Samples.Median(data),
            Speedup = Samples.Median(ratios),
            ExpertBytes = rows,
            DataBytes = experts,
        };
    }
}

/// <summary>What `moe bench parallelism` found. Times are medians over the measured steps.</summary>
public sealed record ParallelismReport
{
    public required int Tokens { get; init; }

    public required int ModelDim { get; init; }

    public required int Hidden { get; init; }

    public required int Experts { get; init; }

    public required int TopK { get; init; }

    public required int Workers { get; init; }

    public required int Steps { get; init; }

    /// <summary>Forward and backward when rows travel to the experts.</summary>
    public required double ExpertSeconds { get; init; }

    /// <summary>Forward and backward when experts travel to the rows.</summary>
    public required double DataSeconds { get; init; }

    /// <summary>How many times as long it takes when rows travel; median of pairs.</summary>
    public required double Speedup { get; init; }

    /// <summary>Bytes of rows that all workers sent each other in one step.</summary>
    public required long ExpertBytes { get; init; }

    /// <summary>Bytes of experts and of their gradients that all workers sent each other in one step.</summary>
    public required long DataBytes { get; init; }
}
