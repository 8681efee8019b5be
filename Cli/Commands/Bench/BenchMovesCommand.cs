using System.CommandLine;
using MoEActors.Benchmarks;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench moves`: what moving experts does to a training run.</summary>
internal static class BenchMovesCommand
{
    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Measure");
        Option<int> steps = NumberOption.Count("--steps", "Measured steps.", 120);
        Option<int> every = NumberOption.Count("--every", "Steps from one move to the next.", 5);
        Option<int> silos = SharedOptions.Silos();
        Command command = new("moves", "Move a random expert every few steps and compare those steps with the median one.") { config, steps, every, silos };
        return command.Measures(
            async (parsed, output, cancellation) =>
            {
                (int count, int interval) = (parsed.GetValue(steps), parsed.GetValue(every));
                UsageException.ThrowUnless(parsed.GetValue(silos) > 1, "--silos 1 leaves no other worker to move an expert to.");

                // A move, the two steps it may disturb, and a quiet one to compare with.
                UsageException.ThrowUnless(
                    interval >= 3 && count >= 2 * interval + 3,
                    $"--every {interval} and --steps {count} leave no quiet steps to compare with; at least 3, and three more than twice that, are needed.");
                TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output);
                using var progress = CountProgress.On(output, "step", count);
                return await MovesBenchmark.RunAsync(run, parsed.GetValue(silos), count, interval, progress, cancellation);
            },
            (report, writer) => writer.WriteLine(
                $"{report.Steps} steps with {report.Moves} moves on {report.Silos} silos: median {report.MedianSeconds * 1e3:F1} ms, slowest {report.SlowestSeconds * 1e3:F1} ms ({report.SlowestRatio:F2} times; without a move {report.SlowestQuietRatio:F2}), a move adds {report.SecondsPerMove * 1e3:F1} ms; {report.BytesMoved:N0} bytes moved, {report.UnmanagedBytesLeaked:N0} bytes of device memory and {report.ManagedBytesLeaked:N0} managed bytes not returned"));
    }
}
