using System.Diagnostics;
using MoEActors.Cli.Progress;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Bench;

/// <summary>Trains for some steps, one behind the other, and asks the workers' clocks where the time went.</summary>
internal static class StepBenchmark
{
    /// <summary>The director's code is compiled and its first plans have landed, too.</summary>
    public const int WarmupSteps = 3 * TrainedRun.WarmupSteps;

    /// <summary>Runs the benchmark.</summary>
    public static async Task<StepReport> RunAsync(TrainedRun run, int silos, int steps, CountProgress? progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos }, cancellation);
        MoEModel model = await run.CreateAsync(cluster, cancellation);
        if (run.Director && silos > 1)
        {
            await model.SetDirectorAsync(new DirectorSettings(), cancellation);
        }

        List<PhaseSeconds> elapsed = [];
        List<PhaseSeconds> busy = [];
        double workers = 0;
        long tokens = 0;
        long started = 0;
        TimeSpan processor = default;

        // The last step has no successor to submit ahead: it is run and not counted.
        await foreach (StepOutcome step in model.TrainAsync(CountProgress.Over(progress, run.Batches(WarmupSteps + steps + 1), "training"), cancellation))
        {
            if (step.Step == WarmupSteps)
            {
                started = Stopwatch.GetTimestamp();
                processor = Environment.CpuUsage.TotalTime;
            }
            else if (step.Step > WarmupSteps && elapsed.Count < steps)
            {
                elapsed.Add(step.MeanPhases);
                busy.Add(PhaseSeconds.Mean([.. step.Timings.Select(timing => timing.Busy)]));
                workers += step.Timings.Sum(timing => timing.ProcessorSeconds);
                tokens += step.Tokens;
                if (elapsed.Count == steps)
                {
                    return Report(silos, elapsed, busy, workers, Environment.CpuUsage.TotalTime - processor, tokens, Stopwatch.GetElapsedTime(started));
                }
            }
        }

        throw new InvalidOperationException($"{steps} steps were to be measured; only {elapsed.Count} ran.");
    }

    private static StepReport Report(
        int silos, List<PhaseSeconds> elapsed, List<PhaseSeconds> busy, double workers, TimeSpan processor, long tokens, TimeSpan passed)
    {
        var mean = PhaseSeconds.Mean(elapsed);
        return new StepReport
        {
            Silos = silos,
            Steps = elapsed.Count,
            SecondsPerStep = passed.TotalSeconds / elapsed.Count,
            TokensPerSecond = tokens / passed.TotalSeconds,
            Accounted = mean.Total * elapsed.Count / passed.TotalSeconds,
            Shares = StepShares.Of(mean, mean.Total),
            Busy = StepShares.Of(PhaseSeconds.Mean(busy), mean.Total),
            OutsideWorkers = 1 - workers / processor.TotalSeconds,
        };
    }
}
