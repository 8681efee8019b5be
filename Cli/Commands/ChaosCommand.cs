using System.CommandLine;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Chaos;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands;

/// <summary>`moe chaos`: kills silos while a model trains, and checks that nothing is lost.</summary>
internal static class ChaosCommand
{
    /// <summary>Of two silos that die at once, somebody must be left.</summary>
    private const int LeastSilos = 3;

    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Train");
        Option<int> kills = NumberOption.Count("--kills", "Silos to kill.", 20);
        Option<int> silos = SharedOptions.Silos();
        Option<int> interval = NumberOption.Count("--snapshot-every", "Steps from one snapshot to the next.", 20);
        Option<long> seed = NumberOption.Seed();
        Option<bool> json = SharedOptions.Json();
        Command command = new("chaos", "Kill silos while a model trains, at random phases of random steps, and check that nothing that was acknowledged is lost.")
        {
            config, kills, silos, interval, seed, json,
        };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            UsageException.ThrowUnless(
                parsed.GetValue(silos) >= LeastSilos, $"--silos {parsed.GetValue(silos)} is too few: of two that die at once, one must be left, so at least {LeastSilos}.");
            TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output);
            IReadOnlyList<ChaosEvent> events =
                ChaosPlan.Draw(parsed.GetValue(kills), parsed.GetValue(silos), parsed.GetValue(interval), (int)parsed.GetValue(seed));
            using var progress = CountProgress.On(output, "kill", parsed.GetValue(kills));
            using var chaos = new ChaosRun(run, parsed.GetValue(silos), parsed.GetValue(interval));
            ChaosReport report = await chaos.RunAsync(events, (what, done) => progress?.Report(what, done), cancellation);
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
            }
            else
            {
                report.Print(output.Out);
            }

            return report is { LostSteps: 0, BitIdentical: true } ? ExitCode.Done : ExitCode.Failed;
        });
    }
}
