using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Cli.Progress;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate parallelism`: what the tuner of parallelism loses and gains on a cluster that it does not know.</summary>
internal static class SimulateParallelismCommand
{
    private const int MostWorkers = 4096;

    public static Command Create()
    {
        Option<int> workers = NumberOption.Count("--workers", "Number of A100s, eight a host.", 64, most: MostWorkers);
        Option<long> seed = NumberOption.Seed();
        Option<bool> json = SharedOptions.Json();
        Command command = new("parallelism", "Train 243 MoE layers under the tuner on clusters that differ from the one it was told of.") { workers, seed, json };
        return command.Runs((parsed, output, cancellation) =>
        {
            int count = parsed.GetValue(workers);
            UsageException.ThrowUnless(
                count < A100Cluster.PerHost || count % A100Cluster.PerHost == 0,
                $"--workers {count} do not fill hosts of {A100Cluster.PerHost}.");
            ParallelismSimulator simulator = new(count, (ulong)parsed.GetValue(seed));
            ParallelismReport report = Simulate(simulator, count, output, cancellation);
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.Indented));
            }
            else
            {
                Print(report, output.Out);
            }

            return Task.FromResult(ExitCode.Done);
        });
    }

    private static ParallelismReport Simulate(ParallelismSimulator simulator, int workers, CommandOutput output, CancellationToken cancellation)
    {
        using var progress = CountProgress.On(output, "setting", ParallelismSimulator.Settings(workers).Length);
        return new ParallelismReport(
            workers,
            ParallelismSimulator.Steps,
            TunerReport.Of(simulator.Steady(done => Report("steady", done))),
            TunerReport.Of(simulator.Swinging(done => Report("swinging", done))));

        void Report(string load, int done)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(load, done);
        }
    }

    private static void Print(ParallelismReport report, TextWriter writer)
    {
        writer.WriteLine($"{"load",-10}{"settings",10}{"lost, mean",12}{"worst",9}{"after, mean",13}{"worst",9}{"untuned, mean",15}{"worst",9}");
        foreach ((string load, TunerReport tuned) in new[] { ("steady", report.Steady), ("swinging", report.Swinging) })
        {
            writer.WriteLine($"{load,-10}{tuned.Settings,10}{tuned.RegretMean,12:P2}{tuned.RegretWorst,9:P2}{tuned.RegretMeanAfter,13:P2}{tuned.RegretWorstAfter,9:P2}{tuned.RegretMeanPredicted,15:P2}{tuned.RegretWorstPredicted,9:P2}");
        }

        writer.WriteLine();
        writer.WriteLine($"{"always",-28}{"possible in",12}{"tuner faster by, mean",23}{"most",9}");
        foreach (StaticReport fixedChoice in report.Steady.OverStatic)
        {
            writer.WriteLine($"{fixedChoice.Choice,-28}{fixedChoice.Settings,12}{fixedChoice.GainMean,23:P0}{fixedChoice.GainMost,9:P0}");
        }

        writer.WriteLine($"Lost: time over the best choice of every step, in {report.Steps:N0} steps; after: in their second half; untuned: had the prediction decided alone. Modelled, not measured.");
    }
}

/// <summary>What the tuner did, as `moe simulate parallelism --json` prints it.</summary>
internal sealed record ParallelismReport(int Workers, int Steps, TunerReport Steady, TunerReport Swinging);

/// <summary>Under one load: time over the best choice of every step, less 1, and how much faster the tuner was than each choice made always.</summary>
internal sealed record TunerReport(
    int Settings, double RegretMean, double RegretWorst, double RegretMeanAfter, double RegretWorstAfter, double RegretMeanPredicted, double RegretWorstPredicted,
    [property: JsonPropertyName("gain_over_static")] StaticReport[] OverStatic)
{
    public static TunerReport Of(ImmutableArray<TunedRun> runs) => new(
        runs.Length,
        runs.Average(run => run.Regret),
        runs.Max(run => run.Regret),
        runs.Average(run => run.RegretAfter),
        runs.Max(run => run.RegretAfter),
        runs.Average(run => run.RegretPredicted),
        runs.Max(run => run.RegretPredicted),
        [
            .. runs.SelectMany(run => run.Static).GroupBy(one => one.Choice)
                .OrderBy(choice => (choice.Key.Slices, choice.Key.Exchange, choice.Key.Overlap))
                .Select(choice => new StaticReport(
                    choice.Key.ToString(), choice.Count(), choice.Average(one => one.Gain) - 1, choice.Max(one => one.Gain) - 1)),
        ]);
}

/// <summary>One choice made in all steps: in how many settings it is possible, and how much faster the tuner is.</summary>
internal sealed record StaticReport(string Choice, int Settings, double GainMean, double GainMost);
