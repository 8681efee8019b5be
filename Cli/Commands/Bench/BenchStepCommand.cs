using System.CommandLine;
using System.Globalization;
using MoEActors.Benchmarks;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench step`: where the time of a training step goes.</summary>
internal static class BenchStepCommand
{
    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Measure");
        Option<int> steps = NumberOption.Count("--steps", "Measured steps; the mean counts.", 300);
        Option<int> silos = SharedOptions.Silos();
        Command command = new("step", "Show where the time of a training step goes: experts, attention, exchange, grain calls.") { config, steps, silos };
        return command.Measures(
            async (parsed, output, cancellation) =>
            {
                TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output);
                using var progress = CountProgress.On(output, "step", StepBenchmark.StepsFor(parsed.GetValue(steps)));
                return await StepBenchmark.RunAsync(run, parsed.GetValue(silos), parsed.GetValue(steps), progress, cancellation);
            },
            Print);
    }

    private static void Print(StepBenchmarkReport report, TextWriter writer)
    {
        StepShares shares = report.Shares;
        StepShares busy = report.Busy;
        (string Name, double Share, double Busy)[] rows =
        [
            ("experts", shares.Experts, busy.Experts),
            ("attention", shares.Attention, busy.Attention),
            ("exchange", shares.Exchange, busy.Exchange),
            ("control plane", shares.ControlPlane, busy.ControlPlane),
            ("gate", shares.Gate, busy.Gate),
            ("dense", shares.Dense, busy.Dense),
            ("gradients", shares.Gradients, busy.Gradients),
            ("update", shares.Update, busy.Update),
        ];
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.SecondsPerStep * 1e3:F1} ms a step on {report.Silos} silos, {report.TokensPerSecond:N0} tokens/s; {report.Accounted:P1} of it timed, {report.ProcessorShareOutsideWorkers:P1} of the processor time outside the workers"));
        foreach ((string name, double share, double computing) in rows)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-14}{share,7:P1}   of that computing {computing,7:P1}"));
        }

        PlainLoopReport plain = report.PlainLoop;
        writer.WriteLine($"{report.ProcessorSecondsPerStep * 1e3:F1} ms of processor time a step, {report.BackgroundProcessorShare:P1} of it spent by idle silos as well");
        writer.WriteLine(
            $"the same workers in a plain loop, {plain.Blocks} blocks in turns, same losses: {plain.SecondsPerStep * 1e3:F1} ms a step, {plain.ProcessorSecondsPerStep * 1e3:F1} ms of processor time, {plain.ProcessorShareOutsideWorkers:P1} of it outside the workers; control plane {plain.ControlPlane:P1} of the time");
        writer.WriteLine(
            $"  cluster over loop: processor time {plain.ProcessorRatio:F3} (median of blocks {plain.ProcessorRatioMedian:F3}), time {plain.SecondsRatio:F3} (median {plain.SecondsRatioMedian:F3}), workers' processor time {plain.WorkersRatio:F3}");
    }
}
