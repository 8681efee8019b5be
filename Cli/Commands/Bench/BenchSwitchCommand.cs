using System.CommandLine;
using MoEActors.Benchmarks;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench switch`: what a change of placement costs that is made beside the steps.</summary>
internal static class BenchSwitchCommand
{
    public static Command Create()
    {
        Option<int> switches = NumberOption.Count("--switches", "Changes of placement; the median counts.", 60);
        Option<int> every = NumberOption.Count("--every", "Steps from one change to the next.", 4);
        Option<int> silos = SharedOptions.Silos();
        Command command = new("switch", "Let experts of 24 MB change their worker beside the steps, as the director does, and time those steps.")
        {
            switches, every, silos,
        };
        return command.Measures(
            async (parsed, output, cancellation) =>
            {
                (int changes, int interval) = (parsed.GetValue(switches), parsed.GetValue(every));
                UsageException.ThrowUnless(parsed.GetValue(silos) > 1, "--silos 1 leaves no other worker to move an expert to.");

                // A change disturbs two steps, and the one to compare with must not be where the next may come into force.
                UsageException.ThrowUnless(interval >= 4, $"--every {interval} leaves no steps to compare with; at least 4 are needed.");
                using var progress = CountProgress.On(output, "step", PlacementChangeBenchmark.StepsOf(changes, interval));
                return await PlacementChangeBenchmark.RunAsync(
                    PlacementChangeModel.Run, parsed.GetValue(silos), changes, interval, progress, cancellation);
            },
            (report, writer) => writer.WriteLine(
                $"{report.Switches} changes of placement, {report.BytesPerSwitch / 1e6:F0} MB each, on {report.Silos} silos: median step {report.MedianSeconds * 1e3:F1} ms; a change adds {report.ExtraSeconds * 1e3:F1} ms ({report.ExtraShare:P1} of a step: {report.ExtraShareWith:P1} beside, {report.ExtraShareAfter:P1} after), at worst {report.WorstShare:P0}; the slowest step without one {report.WorstPlainShare:P0} above the median"));
    }
}
