using System.Diagnostics;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Timing;

namespace MoEActors.Benchmarks;

/// <summary>Trains for some steps, one after the other, and reads from the workers' clocks where the time went.</summary>
public static class StepBenchmark
{
    /// <summary>The director's code is compiled and its first plans have landed, too.</summary>
    public const int WarmupSteps = 3 * TrainedRun.WarmupSteps;

    /// <summary>Runs the benchmark.</summary>
    public static async Task<StepReport> RunAsync(TrainedRun run, int silos, int steps, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
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

        // No step is submitted behind the last one, so that it is run and not counted.
        await foreach (StepOutcome step in model.TrainAsync(BenchmarkProgress.Over(progress, run.Batches(WarmupSteps + steps + 1), "training"), cancellation))
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
            ProcessorShareOutsideWorkers = 1 - workers / processor.TotalSeconds,
        };
    }
}

/// <summary>What `moe bench step` found: shares of a step's time on the clock, means over workers and steps.</summary>
public sealed record StepReport
{
    public required int Silos { get; init; }

    public required int Steps { get; init; }

    /// <summary>From one step's end to the next.</summary>
    public required double SecondsPerStep { get; init; }

    public required double TokensPerSecond { get; init; }

    /// <summary>The time that workers' clocks have seen over the time that passed: near 1, or something is not measured.</summary>
    public required double Accounted { get; init; }

    /// <summary>Adds up to 1.</summary>
    public required StepShares Shares { get; init; }

    /// <summary>
    /// The same shares in processor time of the executor threads. What is missing to 1 was spent waiting - for orders, for other workers, or
    /// for a core.
    /// </summary>
    public required StepShares Busy { get; init; }

    /// <summary>Processor time of the process outside the workers' threads over all its processor time: grains, client, runtime.</summary>
    public required double ProcessorShareOutsideWorkers { get; init; }
}

/// <summary>Shares of a step by what workers do.</summary>
public sealed record StepShares
{
    public required double Experts { get; init; }

    public required double Attention { get; init; }

    public required double Exchange { get; init; }

    /// <summary>Workers without work: from the report of one step to the order of the next.</summary>
    public required double ControlPlane { get; init; }

    public required double Gate { get; init; }

    public required double Dense { get; init; }

    public required double Gradients { get; init; }

    public required double Update { get; init; }

    /// <summary>The phases over a time.</summary>
    public static StepShares Of(PhaseSeconds phases, double seconds) => new()
    {
        Experts = phases.Experts / seconds,
        Attention = phases.Attention / seconds,
        Exchange = phases.Exchange / seconds,
        ControlPlane = phases.Idle / seconds,
        Gate = phases.Gate / seconds,
        Dense = phases.Dense / seconds,
        Gradients = phases.Gradients / seconds,
        Update = phases.Update / seconds,
    };
}
