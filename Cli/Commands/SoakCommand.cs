using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Chaos;
using MoEActors.Cli.Soak;
using MoEActors.Cli.Supervision;
using MoEActors.Silo.Clustering;

namespace MoEActors.Cli.Commands;

/// <summary>`moe soak`: what a cluster needs in the long run.</summary>
internal static class SoakCommand
{
    private const int LeastSilos = 2;

    /// <summary>Measurements of a run where it is not said how many.</summary>
    private const int Samples = 40;

    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Train");
        Option<int> steps = NumberOption.Count("--steps", "Steps to learn.", 10_000);
        Option<int> killEvery = NumberOption.Count("--kill-every", "Steps from one death of the last silo to the next; 0 for none.", 500, least: 0);
        Option<int> strangers = NumberOption.Count("--strangers", "Connections of whoever is no member, to all ports of the other silos.", 10_000, least: 0);
        Option<int?> sampleEvery = NumberOption.OptionalCount("--sample-every", "Steps from one measurement to the next; without it, a fortieth of the steps.");
        Option<int> silos = SharedOptions.Silos("Number of silos.");
        Option<string?> store = ChaosCommand.StoreOption();
        Option<bool> compare = new("--compare") { Description = "Train the same steps undisturbed, too, and compare losses and parameters." };
        Option<long> seed = NumberOption.Seed();
        Option<string> runs = SharedOptions.Runs();
        Option<string?> json = SharedOptions.JsonOrFile();
        Command command = new(
            "soak", "Train for long under a director on processes of a cluster of its own, kill the last silo every so often, let strangers connect, and measure what the others need.")
        {
            config, steps, killEvery, strangers, sampleEvery, silos, store, compare, seed, runs, json,
        };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            int count = parsed.GetValue(silos);
            UsageException.ThrowUnless(ProcessSignal.IsSupported, "processes can be measured on Linux alone.");
            UsageException.ThrowUnless(count >= LeastSilos, $"--silos {count} is too few: one is killed and the others are measured.");
            StoreKind kind = ChaosCommand.StoreOf(parsed.GetValue(store));
            OutputFile.RequireWritable("--json", parsed.GetValue(json));
            TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output);
            int all = parsed.GetValue(steps);
            var plan = new SoakPlan(
                all, parsed.GetValue(killEvery), Math.Min(all, parsed.GetValue(sampleEvery) ?? Math.Max(1, all / Samples)), parsed.GetValue(strangers), (int)parsed.GetValue(seed));
            int[] ports = FreePorts.Take(count);
            var cluster = new ClusterPlan(count)
            {
                Store = kind,
                More = (index, _) => ["--data-port", ports[index].ToString(CultureInfo.InvariantCulture)],
            };
            ClusterFolder folder = ClusterFolder.OfChaos(parsed.GetRequiredValue(runs));
            var progress = new ChaosProgress(output);
            SoakReport report = await ChaosCommand.OnProcessesAsync(
                folder, cluster, progress, withRelays: false,
                async victims =>
                {
                    (SoakReport found, IReadOnlyList<double> losses, ulong fingerprint) =
                        await new SoakRun(run, plan, folder, ports, progress).RunAsync(victims, $"{kind}".ToLowerInvariant(), cancellation);
                    await victims.DisposeAsync();
                    return parsed.GetValue(compare) ? await ComparedAsync(found, losses, fingerprint, run, progress, cancellation) : found;
                },
                found => found.IsGood, cancellation);
            progress.Clear();
            if (parsed.GetValue(json) is { } file)
            {
                await OutputFile.WriteAsync(file, JsonSerializer.Serialize(report, SnakeCase.Indented), output, cancellation);
            }

            if (parsed.GetResult(json) is { Implicit: false } && parsed.GetValue(json) is null)
            {
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
            }
            else
            {
                report.Print(output.Out);
            }

            return report.IsGood ? ExitCode.Done : ExitCode.Failed;
        });
    }

    private static async Task<SoakReport> ComparedAsync(
        SoakReport found, IReadOnlyList<double> losses, ulong fingerprint, TrainedRun run, ChaosProgress progress, CancellationToken cancellation)
    {
        UndisturbedRun expected = await UndisturbedRun.OfAsync(run, losses.Count, progress, cancellation);
        int? different = expected.FirstDifference(losses);
        return found with
        {
            LostSteps = different is { } first ? losses.Count - first + 1 : 0,
            BitIdentical = different is null && fingerprint == expected.Fingerprint,
        };
    }
}
