using System.Text.Json.Serialization;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Models;

namespace MoEActors.Cli.Memory;

/// <summary>What `moe estimate --json` prints.</summary>
internal sealed record MemoryReport
{
    /// <summary>Sequences of the largest micro-batch.</summary>
    [JsonPropertyName("sequences")]
    public required int Sequences { get; init; }

    [JsonPropertyName("sequence_length")]
    public required int Length { get; init; }

    [JsonPropertyName("recompute")]
    public required string Recompute { get; init; }

    /// <summary>Rows that are taken to come to a worker over its equal share.</summary>
    [JsonPropertyName("skew")]
    public required double Skew { get; init; }

    /// <summary>What each worker may allocate where all of them are on this machine.</summary>
    [JsonPropertyName("budget_here")]
    public required long Budget { get; init; }

    [JsonPropertyName("fits_here")]
    public required bool Fits { get; init; }

    [JsonPropertyName("workers")]
    public required IReadOnlyList<WorkerReport> Workers { get; init; }

    /// <summary>Estimates a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="batch">Sequences of a step.</param>
    public static MemoryReport Of(RunConfiguration run, int workers, int batch)
    {
        var shape = new MicroBatchShape((batch + run.MicroBatches - 1) / run.MicroBatches, run.Model.MaximumSequence);
        MemoryEstimate planned = MemoryEstimator.Estimate(run, workers, shape);
        MemoryEstimate worst = MemoryEstimator.Estimate(run, workers, shape, MemoryEstimator.WorstSkew);
        long budget = MemoryBudget.Default(workers);
        return new MemoryReport
        {
            Sequences = shape.Sequences,
            Length = shape.Length,
            Recompute = run.Recompute,
            Skew = planned.Skew,
            Budget = budget,
            Fits = planned.Workers.All(worker => worker.FirstBeyond(budget, moving: false) is null),
            Workers = [.. planned.Workers.Zip(worst.Workers, WorkerReport.Of)],
        };
    }
}
