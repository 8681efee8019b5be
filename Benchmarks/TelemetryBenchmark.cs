using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Benchmarks;

/// <summary>
/// Trains with everything exported that silos measure and trace, and with nothing exported, a block of steps of the one after a block of the other, so that both see the same machine. What receives it
/// is in the same process and counts, too.
/// </summary>
public static class TelemetryBenchmark
{
    /// <summary>Runs the benchmark.</summary>
    /// <param name="run">What is trained.</param>
    /// <param name="silos">Embedded silos.</param>
    /// <param name="steps">Measured steps of a block.</param>
    /// <param name="blocks">Pairs of blocks.</param>
    /// <param name="export">Begins to export to an address; ends when its result is disposed.</param>
    /// <param name="progress">Is told of steps.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<TelemetryBenchmarkReport> RunAsync(
        TrainedRun run, int silos, int steps, int blocks, Func<Uri, IDisposable> export, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions { Silos = silos, ThreadsPerWorker = Math.Max(1, Environment.ProcessorCount / silos) }, cancellation);
        MoEModel model = await run.CreateAsync(cluster.Client, cancellation);
        if (run.Director && silos > 1)
        {
            await model.SetDirectorAsync(new DirectorSettings(), cancellation);
        }

        using OtlpSink sink = OtlpSink.Start();
        using IEnumerator<IReadOnlyList<MicroBatch>> batches = BenchmarkProgress.Over(progress, run.Batches(StepsFor(steps, blocks)), "training").GetEnumerator();
        List<StepBlock> with = [];
        List<StepBlock> without = [];
        for (int block = -1; block < blocks; block++)
        {
            // The first pair compiles the code of both.
            int length = block < 0 ? StepBenchmark.WarmupSteps : steps;
            Func<Task>[] turns =
            [
                async () =>
                {
                    StepBlock taken;
                    TimeSpan before;
                    using (export(sink.Address))
                    {
                        taken = await TakeAsync(length);
                        before = Environment.CpuUsage.TotalTime;
                    }

                    // What is still to be sent when a block ends is sent then, and is of its steps.
                    taken.Add(Environment.CpuUsage.TotalTime - before);
                    with.Add(taken);
                },
                async () => without.Add(await TakeAsync(length)),
            ];
            foreach (Func<Task> turn in block % 2 == 0 ? turns : turns.Reverse())
            {
                await turn();
            }
        }

        (with, without) = (with[1..], without[1..]);
        double[] ratios = [.. with.Zip(without, (one, other) => one.ProcessorSeconds / other.ProcessorSeconds)];
        (double low, double high) = Samples.MedianInterval(ratios);
        return new TelemetryBenchmarkReport
        {
            Silos = silos,
            Blocks = blocks,
            Steps = with.Sum(block => block.Steps.Count),
            SecondsPerStepWithout = without.Sum(block => block.Seconds) / without.Sum(block => block.Steps.Count),
            SecondsPerStepWith = with.Sum(block => block.Seconds) / with.Sum(block => block.Steps.Count),
            ProcessorSecondsPerStepWithout = without.Sum(block => block.ProcessorSeconds) / without.Sum(block => block.Steps.Count),
            ProcessorSecondsPerStepWith = with.Sum(block => block.ProcessorSeconds) / with.Sum(block => block.Steps.Count),
            SecondsRatio = with.Sum(block => block.Seconds) / without.Sum(block => block.Seconds),
            SecondsRatioMedian = Samples.Median([.. with.Zip(without, (one, other) => one.Seconds / other.Seconds)]),
            ProcessorRatio = with.Sum(block => block.ProcessorSeconds) / without.Sum(block => block.ProcessorSeconds),
            ProcessorRatioMedian = Samples.Median(ratios),
            ProcessorRatioLow = low,
            ProcessorRatioHigh = high,
            Requests = sink.Requests,
            Bytes = sink.Bytes,
        };

        Task<StepBlock> TakeAsync(int length) => StepBlock.MeasureAsync(model, StepBlock.Take(batches, length), cancellation);
    }

    /// <summary>Steps that the cluster takes.</summary>
    public static int StepsFor(int steps, int blocks) => 2 * (StepBenchmark.WarmupSteps + 2 + (blocks * (steps + 2)));
}

/// <summary>What `moe bench telemetry` found: training with everything exported over training with nothing exported.</summary>
public sealed record TelemetryBenchmarkReport
{
    public required int Silos { get; init; }

    /// <summary>Pairs of blocks.</summary>
    public required int Blocks { get; init; }

    /// <summary>Measured steps with, and as many without.</summary>
    public required int Steps { get; init; }

    public required double SecondsPerStepWithout { get; init; }

    public required double SecondsPerStepWith { get; init; }

    /// <summary>Processor time of the process.</summary>
    public required double ProcessorSecondsPerStepWithout { get; init; }

    public required double ProcessorSecondsPerStepWith { get; init; }

    /// <summary>Seconds on the clock.</summary>
    public required double SecondsRatio { get; init; }

    /// <summary>The median of that over pairs of blocks.</summary>
    public required double SecondsRatioMedian { get; init; }

    /// <summary>Processor time of the process, that of what receives it included.</summary>
    public required double ProcessorRatio { get; init; }

    /// <summary>The median of that over pairs of blocks.</summary>
    public required double ProcessorRatioMedian { get; init; }

    /// <summary>Between which ratios that median is in 95 of 100 cases.</summary>
    public required double ProcessorRatioLow { get; init; }

    /// <inheritdoc cref="ProcessorRatioLow" />
    public required double ProcessorRatioHigh { get; init; }

    /// <summary>What was received, in requests.</summary>
    public required long Requests { get; init; }

    /// <summary>The same in bytes.</summary>
    public required long Bytes { get; init; }
}
