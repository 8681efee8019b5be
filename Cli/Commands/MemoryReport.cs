using System.Globalization;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Cli.Commands;

/// <summary>What `moe estimate --json` prints.</summary>
internal sealed record MemoryReport
{
    /// <summary>Sequences of the largest micro-batch.</summary>
    public required int Sequences { get; init; }

    public required int SequenceLength { get; init; }

    public required string Recompute { get; init; }

    /// <summary>Rows that are taken to come to a worker over its equal share.</summary>
    public required double Skew { get; init; }

    /// <summary>What each worker may allocate where all of them are on this machine.</summary>
    public required long BudgetHere { get; init; }

    public required bool FitsHere { get; init; }

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
            SequenceLength = shape.Length,
            Recompute = run.Recompute,
            Skew = planned.Skew,
            BudgetHere = budget,
            FitsHere = planned.Workers.All(worker => worker.FirstBeyond(budget, moving: false) is null),
            Workers = [.. planned.Workers.Zip(worst.Workers, WorkerMemoryReport.Of)],
        };
    }
}

/// <summary>One worker of `moe estimate`, in bytes.</summary>
internal sealed record WorkerMemoryReport
{
    public required int Rank { get; init; }

    public required long Parameters { get; init; }

    public required long Gradients { get; init; }

    /// <summary>The running sum of the dense gradients over the rounds of a step.</summary>
    public required long DenseSums { get; init; }

    public required long Moments { get; init; }

    /// <summary>Counts of the exchange, norms of gradients, rotary tables.</summary>
    public required long Tables { get; init; }

    public required long ActivationsForward { get; init; }

    public required long ActivationsBackward { get; init; }

    /// <summary>The model is held, nothing runs.</summary>
    public required long PhaseOpen { get; init; }

    public required long PhaseForward { get; init; }

    /// <summary>Backward and the update behind it.</summary>
    public required long PhaseBackward { get; init; }

    /// <summary>While an expert arrives.</summary>
    public required long PhaseTransfer { get; init; }

    /// <summary>While a checkpoint is written, with the host memory that a tensor passes through.</summary>
    public required long PhaseCheckpoint { get; init; }

    /// <summary>Backward under the worst routing.</summary>
    public required long WorstRouting { get; init; }

    /// <summary>The report of two estimates.</summary>
    public static WorkerMemoryReport Of(WorkerEstimate planned, WorkerEstimate worst) => new()
    {
        Rank = planned.Rank,
        Parameters = planned.Parameters,
        Gradients = planned.Gradients,
        DenseSums = planned.DenseSums,
        Moments = planned.Moments,
        Tables = planned.Tables,
        ActivationsForward = planned.ForwardArena,
        ActivationsBackward = planned.BackwardArena,
        PhaseOpen = planned.Phases[0],
        PhaseForward = planned.Phases[1],
        PhaseBackward = planned.Phases[2],
        PhaseTransfer = planned.Phases[3],
        PhaseCheckpoint = planned.Phases[4],
        WorstRouting = worst.Phases[2],
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
        ("activations, forward", worker => worker.ActivationsForward),
        ("activations, backward", worker => worker.ActivationsBackward),
        ("while the model is open", worker => worker.PhaseOpen),
        ("in forward", worker => worker.PhaseForward),
        ("in backward and update", worker => worker.PhaseBackward),
        ("while an expert arrives", worker => worker.PhaseTransfer),
        ("while a checkpoint is written", worker => worker.PhaseCheckpoint),
        ("in backward, worst routing", worker => worker.WorstRouting),
    ];

    /// <summary>Prints the table.</summary>
    public static void Print(MemoryReport report, TextWriter writer)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        WorkerMemoryReport[][] kinds = [.. report.Workers.GroupBy(worker => worker with { Rank = 0 }).Select(group => group.ToArray())];
        writer.WriteLine(string.Create(
            culture,
            $"{report.Workers.Count} workers, micro-batches of {report.Sequences}×{report.SequenceLength} tokens, recompute {report.Recompute}. MiB of each worker:"));
        writer.WriteLine($"{"",-31}{string.Concat(kinds.Select(kind => $"{Ranks(kind),16}"))}");
        foreach ((string name, Func<WorkerMemoryReport, long> bytes) in Rows)
        {
            writer.WriteLine($"{name,-31}{string.Concat(kinds.Select(kind => string.Create(culture, $"{Mebibytes(bytes(kind[0])),16:N1}")))}");
        }

        writer.WriteLine(string.Create(
            culture, $"Planned for {report.Skew:0.##} times a worker's equal share of rows; the number of micro-batches takes no memory."));
        writer.WriteLine(string.Create(
            culture,
            $"On this machine each of {report.Workers.Count} workers may allocate {Mebibytes(report.BudgetHere):N0} MiB: {(report.FitsHere ? "it fits" : "it does not fit")}."));
    }

    private static string Ranks(WorkerMemoryReport[] kind) =>
        kind.Length == 1 ? $"rank {kind[0].Rank}"
        : kind[^1].Rank - kind[0].Rank == kind.Length - 1 ? $"ranks {kind[0].Rank}-{kind[^1].Rank}"
        : $"{kind.Length} ranks";

    private static double Mebibytes(long bytes) => bytes / (double)(1 << 20);
}
