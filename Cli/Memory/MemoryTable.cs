using System.Globalization;

namespace MoEActors.Cli.Memory;

/// <summary>The report of `moe estimate` as a table: a column for every kind of worker.</summary>
internal static class MemoryTable
{
    private static readonly (string Name, Func<WorkerReport, long> Bytes)[] Rows =
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
        WorkerReport[][] kinds = [.. report.Workers.GroupBy(worker => worker with { Rank = 0 }).Select(group => group.ToArray())];
        writer.WriteLine(string.Create(
            culture,
            $"{report.Workers.Count} workers, micro-batches of {report.Sequences}×{report.Length} tokens, recompute {report.Recompute}. MiB of each worker:"));
        writer.WriteLine($"{"",-31}{string.Concat(kinds.Select(kind => $"{Ranks(kind),16}"))}");
        foreach ((string name, Func<WorkerReport, long> bytes) in Rows)
        {
            writer.WriteLine($"{name,-31}{string.Concat(kinds.Select(kind => string.Create(culture, $"{Mebibytes(bytes(kind[0])),16:N1}")))}");
        }

        writer.WriteLine(string.Create(
            culture, $"Planned for {report.Skew:0.##} times a worker's equal share of rows; the number of micro-batches takes no memory."));
        writer.WriteLine(string.Create(
            culture,
            $"On this machine each of {report.Workers.Count} workers may allocate {Mebibytes(report.Budget):N0} MiB: {(report.Fits ? "it fits" : "it does not fit")}."));
    }

    private static string Ranks(WorkerReport[] kind) =>
        kind.Length == 1 ? $"rank {kind[0].Rank}"
        : kind[^1].Rank - kind[0].Rank == kind.Length - 1 ? $"ranks {kind[0].Rank}-{kind[^1].Rank}"
        : $"{kind.Length} ranks";

    private static double Mebibytes(long bytes) => bytes / (double)(1 << 20);
}
