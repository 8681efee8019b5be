using System.Globalization;
using System.Text.Json.Serialization;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Models;

namespace MoEActors.Cli.Commands;

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
    public required IReadOnlyList<WorkerMemoryReport> Workers { get; init; }

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
            Workers = [.. planned.Workers.Zip(worst.Workers, WorkerMemoryReport.Of)],
        };
    }
}

/// <summary>One worker of `moe estimate`, in bytes.</summary>
internal sealed record WorkerMemoryReport
{
    [JsonPropertyName("rank")]
    public required int Rank { get; init; }

    [JsonPropertyName("parameters")]
    public required long Parameters { get; init; }

    [JsonPropertyName("gradients")]
    public required long Gradients { get; init; }

    /// <summary>The running sum of the dense gradients over the rounds of a step.</summary>
    [JsonPropertyName("dense_sums")]
    public required long DenseSums { get; init; }

    [JsonPropertyName("moments")]
    public required long Moments { get; init; }

    /// <summary>Counts of the exchange, norms of gradients, rotary tables.</summary>
    [JsonPropertyName("tables")]
    public required long Tables { get; init; }

    [JsonPropertyName("activations_forward")]
    public required long ForwardArena { get; init; }

    [JsonPropertyName("activations_backward")]
    public required long BackwardArena { get; init; }

    /// <summary>The model is held, nothing runs.</summary>
    [JsonPropertyName("phase_open")]
    public required long Open { get; init; }

    [JsonPropertyName("phase_forward")]
    public required long Forward { get; init; }

    /// <summary>Backward and the update behind it.</summary>
    [JsonPropertyName("phase_backward")]
    public required long Backward { get; init; }

    /// <summary>While an expert arrives.</summary>
    [JsonPropertyName("phase_transfer")]
    public required long Transfer { get; init; }

    /// <summary>While a checkpoint is written, with the host memory that a tensor passes through.</summary>
    [JsonPropertyName("phase_checkpoint")]
    public required long Checkpoint { get; init; }

    /// <summary>Backward under the worst routing.</summary>
    [JsonPropertyName("worst_routing")]
    public required long Worst { get; init; }

    /// <summary>The report of two estimates.</summary>
    public static WorkerMemoryReport Of(WorkerEstimate planned, WorkerEstimate worst) => new()
    {
        Rank = planned.Rank,
        Parameters = planned.Parameters,
        Gradients = planned.Gradients,
        DenseSums = planned.DenseSums,
        Moments = planned.Moments,
        Tables = planned.Tables,
        ForwardArena = planned.ForwardArena,
        BackwardArena = planned.BackwardArena,
        Open = planned.Phases[0],
        Forward = planned.Phases[1],
        Backward = planned.Phases[2],
        Transfer = planned.Phases[3],
        Checkpoint = planned.Phases[4],
        Worst = worst.Phases[2],
    };
}

/// <summary>The report of `moe estimate` as a table: a column for every kind of worker.</summary>
internal static class MemoryTable
{
    private static readonly (string Name, Func<WorkerMemoryReport, long> Bytes)[] Rows =
    [
        ("parameters", worker => worker.Parameters),
        ("gradients", worker => worker.Gradients),
        ("sums of dense gradients", worker => worker.DenseSums),
        ("moments", worker => worker.Moments),
        ("tables", worker => worker.Tables),
        ("activations, forward", worker => worker.ForwardArena),
        ("activations, backward", worker => worker.BackwardArena),
        ("while the model is open", worker => worker.Open),
        ("in forward", worker => worker.Forward),
        ("in backward and update", worker => worker.Backward),
        ("while an expert arrives", worker => worker.Transfer),
        ("while a checkpoint is written", worker => worker.Checkpoint),
        ("in backward, worst routing", worker => worker.Worst),
    ];

    /// <summary>Prints the table.</summary>
    public static void Print(MemoryReport report, TextWriter writer)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        WorkerMemoryReport[][] kinds = [.. report.Workers.GroupBy(worker => worker with { Rank = 0 }).Select(group => group.ToArray())];
        writer.WriteLine(string.Create(
            culture,
            $"{report.Workers.Count} workers, micro-batches of {report.Sequences}×{report.Length} tokens, recompute {report.Recompute}. MiB of each worker:"));
        writer.WriteLine($"{"",-31}{string.Concat(kinds.Select(kind => $"{Ranks(kind),16}"))}");
        foreach ((string name, Func<WorkerMemoryReport, long> bytes) in Rows)
        {
            writer.WriteLine($"{name,-31}{string.Concat(kinds.Select(kind => string.Create(culture, $"{Mebibytes(bytes(kind[0])),16:N1}")))}");
        }

        writer.WriteLine(string.Create(
            culture, $"Planned for {report.Skew:0.##} times a worker's equal share of rows; the number of micro-batches takes no memory."));
        writer.WriteLine(string.Create(
            culture,
            $"On this machine each of {report.Workers.Count} workers may allocate {Mebibytes(report.Budget):N0} MiB: {(report.Fits ? "it fits" : "it does not fit")}."));
    }

    private static string Ranks(WorkerMemoryReport[] kind) =>
        kind.Length == 1 ? $"rank {kind[0].Rank}"
        : kind[^1].Rank - kind[0].Rank == kind.Length - 1 ? $"ranks {kind[0].Rank}-{kind[^1].Rank}"
        : $"{kind.Length} ranks";

    private static double Mebibytes(long bytes) => bytes / (double)(1 << 20);
}
