using System.CommandLine;
using MoEActors.Benchmarks;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench director`: what the director makes of a skewed load.</summary>
internal static class BenchDirectorCommand
{
    public static Command Create()
    {
        Option<int> warmup = NumberOption.Count("--warmup", "Steps before those that are measured; the director acts in them.", 4);
        Option<int> steps = NumberOption.Count("--steps", "Measured steps; the median counts.", 8);
        Option<int> silos = SharedOptions.Silos("Number of embedded silos, of one thread each.");
        Command command = new("director", "Train under a skewed load without and with the director, in turns, and compare.") { warmup, steps, silos };
        return command.Measures(
            async (parsed, output, cancellation) =>
            {
                UsageException.ThrowUnless(parsed.GetValue(silos) > 1, "--silos 1 leaves the director nothing to do.");
                using var progress = CountProgress.On(output, "step", parsed.GetValue(warmup) + parsed.GetValue(steps));
                return await DirectorBenchmark.RunAsync(
                    DirectorBenchmark.Model, DirectorBenchmark.Sequences, parsed.GetValue(silos), parsed.GetValue(warmup), parsed.GetValue(steps),
                    progress, cancellation);
            },
            (report, writer) =>
            {
                Print("reproducible", report.Reproducible, writer);
                Print("fractional", report.Fractional, writer);
            });
    }

    private static void Print(string mode, DirectorComparison found, TextWriter writer) => writer.WriteLine(
        $"{mode}: {found.MoESecondsWithout * 1e3:F1} ms a step in MoE layers without, {found.MoESecondsWith * 1e3:F1} ms with the director ({found.MoETimeRatio:F2} times less); the busiest worker computes {found.BusiestWorkerSecondsWithout * 1e3:F1} ms without, {found.BusiestWorkerSecondsWith * 1e3:F1} ms with ({found.BusiestWorkerRatio:F2} times less); balance ratio {found.BalanceRatioWithout:F2} without, {found.BalanceRatioWith:F2} with, from step {found.BalancedFromStep?.ToString() ?? "-"}; {found.Decisions} decisions, {found.ShardsMoved} shards and {found.BytesMoved / 1e6:F0} MB moved; losses {(found.LossesIdentical ? "identical" : $"within {found.LossesApart:E0}")}");
}
