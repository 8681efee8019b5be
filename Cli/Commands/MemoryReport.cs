using MoEActors.Native;
using MoEActors.Native.DryRun;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Silo.Hosting;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Cli.Commands;

/// <summary>What `moe estimate --json` prints.</summary>
/// <param name="Sequences">Sequences of the largest micro-batch.</param>
/// <param name="SequenceLength">Tokens of each.</param>
/// <param name="Recompute">Layers that are computed again in backward.</param>
/// <param name="Skew">Rows that are taken to come to a worker over its equal share.</param>
/// <param name="BudgetHere">What each worker may allocate: of the memory that was asked about, or where all of them are on this machine; null where it has no such device.</param>
/// <param name="FitsHere">Whether that is enough; null where that is not known.</param>
/// <param name="Workers">The workers.</param>
/// <param name="Device">What workers compute on.</param>
/// <param name="Memory">Bytes of a worker's device that were asked about; null for what this machine has.</param>
/// <param name="Advice">What would make it fit; null when it does.</param>
internal sealed record MemoryReport(
    int Sequences, int SequenceLength, string Recompute, double Skew, long? BudgetHere, bool? FitsHere, IReadOnlyList<WorkerMemoryReport> Workers, string Device,
    long? Memory, string? Advice)
{
    /// <summary>Estimates a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="batch">Sequences of a step.</param>
    /// <param name="device">What workers compute on.</param>
    /// <param name="memory">Bytes of a worker's device; null for what this machine has.</param>
    public static MemoryReport Of(RunConfiguration run, int workers, int batch, DeviceChoice device, long? memory)
    {
        var shape = new MicroBatchShape((batch + run.MicroBatches - 1) / run.MicroBatches, run.Model.MaximumSequence);
        WorkerId[] ids = [.. Enumerable.Range(0, workers).Select(rank => new WorkerId("estimated", rank))];
        PlacementMap map = StaticPlanner.Plan(1, ids, run.Model.Experts);
        ImitatedDevice imitated = ImitatedDevice.OfKind(device.Kind);
        MemoryEstimate planned = MemoryEstimator.Estimate(run, map, shape, device: imitated);
        MemoryEstimate worst = MemoryEstimator.Estimate(run, map, shape, MemoryEstimator.WorstSkew, device: imitated);
        long? budget = memory is { } bytes ? (long)(bytes * (device.IsCuda ? MemoryBudget.OwnMemoryShare : MemoryBudget.DeviceShare))
            : Here(device, workers);
        WorkerEstimate? beyond = planned.Workers.FirstOrDefault(worker => worker.FirstBeyond(budget ?? long.MaxValue, moving: false) is not null);
        return new MemoryReport(
            shape.Sequences, shape.Length, run.Recompute, planned.Skew, budget, budget is null ? null : beyond is null,
            [.. planned.Workers.Zip(worst.Workers, WorkerMemoryReport.Of)], device.Kind, memory,
            beyond is null ? null : MemoryAdvice.Of(run, map, beyond, shape, budget!.Value, moving: false, imitated));
    }

    /// <summary>What each worker may allocate on this machine; null where it has no such device that can be used.</summary>
    private static long? Here(DeviceChoice device, int workers)
    {
        try
        {
            return device.Problem() is null ? device.MemoryPerWorker(workers, devices: 1) : null;
        }
        catch (DeviceException)
        {
            return null;
        }
    }
}

/// <summary>One worker of `moe estimate`, in bytes.</summary>
/// <param name="Rank">Its rank.</param>
/// <param name="Parameters">Parameters.</param>
/// <param name="Gradients">Gradients.</param>
/// <param name="DenseSums">The running sum of the dense gradients over the rounds of a step.</param>
/// <param name="Moments">Moments of the optimizer.</param>
/// <param name="Tables">Counts of the exchange, norms of gradients, rotary tables.</param>
/// <param name="ActivationsForward">Activations in forward.</param>
/// <param name="ActivationsBackward">Activations in backward.</param>
/// <param name="PhaseOpen">The model is held, nothing runs.</param>
/// <param name="PhaseForward">In forward.</param>
/// <param name="PhaseBackward">In backward and the update behind it.</param>
/// <param name="PhaseTransfer">While an expert arrives.</param>
/// <param name="PhaseCheckpoint">While a checkpoint is written, with the host memory that a tensor passes through.</param>
/// <param name="WorstRouting">Backward under the worst routing.</param>
/// <param name="SnapshotCopies">Copies of snapshots in the host's memory, beside all that, where there is room for them.</param>
internal sealed record WorkerMemoryReport(
    int Rank,
    long Parameters,
    long Gradients,
    long DenseSums,
    long Moments,
    long Tables,
    long ActivationsForward,
    long ActivationsBackward,
    long PhaseOpen,
    long PhaseForward,
    long PhaseBackward,
    long PhaseTransfer,
    long PhaseCheckpoint,
    long WorstRouting,
    long SnapshotCopies)
{
    /// <summary>The report of two estimates.</summary>
    public static WorkerMemoryReport Of(WorkerEstimate planned, WorkerEstimate worst) => new(
        planned.Rank, planned.Parameters, planned.Gradients, planned.DenseSums, planned.Moments, planned.Tables, planned.ForwardArena, planned.BackwardArena,
        planned.Phases[0], planned.Phases[1], planned.Phases[2], planned.Phases[3], planned.Phases[4], worst.Phases[2], planned.Copies);
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
        ("copies of snapshots, with room", worker => worker.SnapshotCopies),
    ];

    /// <summary>Prints the table.</summary>
    public static void Print(MemoryReport report, TextWriter writer)
    {
        WorkerMemoryReport[][] kinds = [.. report.Workers.GroupBy(worker => worker with { Rank = 0 }).Select(group => group.ToArray())];
        writer.WriteLine(
            $"{report.Workers.Count} workers{(report.Device == DeviceChoice.Cpu ? "" : $" on {report.Device}")}, micro-batches of {report.Sequences}×{report.SequenceLength} tokens, "
            + $"recompute {report.Recompute}. MiB of each worker:");
        writer.WriteLine($"{"",-31}{string.Concat(kinds.Select(kind => $"{Ranks(kind),16}"))}");
        foreach ((string name, Func<WorkerMemoryReport, long> bytes) in Rows)
        {
            writer.WriteLine($"{name,-31}{string.Concat(kinds.Select(kind => $"{Mebibytes(bytes(kind[0])),16:N1}"))}");
        }

        writer.WriteLine($"Planned for {report.Skew:0.##} times a worker's equal share of rows; the number of micro-batches takes no memory.");
        string of = report.Memory is { } memory ? $"Of {memory / (double)(1L << 30):0.##} GiB" : "On this machine";
        writer.WriteLine(report.BudgetHere is { } budget
            ? $"{of} each of {report.Workers.Count} workers may allocate {Mebibytes(budget):N0} MiB: {(report.FitsHere == true ? "it fits" : "it does not fit")}."
            : $"This machine has no {report.Device}; with --memory GIB it says whether that fits others.");
        if (report.Advice is { } advice)
        {
            writer.WriteLine(advice);
        }
    }

    private static string Ranks(WorkerMemoryReport[] kind) =>
        kind.Length == 1 ? $"rank {kind[0].Rank}"
        : kind[^1].Rank - kind[0].Rank == kind.Length - 1 ? $"ranks {kind[0].Rank}-{kind[^1].Rank}"
        : $"{kind.Length} ranks";

    private static double Mebibytes(long bytes) => bytes / (double)(1 << 20);
}
