using System.Diagnostics;
using System.Runtime.CompilerServices;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Timing;

namespace MoEActors.Benchmarks;

/// <summary>
/// Trains for some steps, one after the other, and reads from the workers' clocks where the time went. The same workers driven by a <see cref="PlainLoop"/>
/// take the same steps in the same process, a block of the one after a block of the other, so that both see the same machine.
/// </summary>
public static class StepBenchmark
{
    /// <summary>The director's code is compiled and its first plans have landed, too.</summary>
    public const int WarmupSteps = 5 * TrainedRun.WarmupSteps;

    /// <summary>Steps of a block, about.</summary>
    private const int BlockSteps = 25;

    /// <summary>How long nobody trains in every round, to see what the silos do by themselves, once what the last steps have left behind is done.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(200);

    /// <summary>Steps that the cluster takes for so many measured ones.</summary>
    public static int StepsFor(int steps) => Lengths(steps).Sum(length => length + 2);

    /// <summary>Runs the benchmark.</summary>
    /// <exception cref="InvalidOperationException">The plain loop's losses are others.</exception>
    public static async Task<StepBenchmarkReport> RunAsync(TrainedRun run, int silos, int steps, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
    {
        int threads = Math.Max(1, Environment.ProcessorCount / silos);
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions { Silos = silos, ThreadsPerWorker = threads }, cancellation);
        MoEModel model = await run.CreateAsync(cluster.Client, cancellation);
        if (run.Director && silos > 1)
        {
            await model.SetDirectorAsync(new DirectorSettings(), cancellation);
        }

        using PlainLoop plain = await PlainLoop.StartAsync(run.Run, silos, threads);
        using IEnumerator<IReadOnlyList<MicroBatch>> batches = BenchmarkProgress.Over(progress, run.Batches(StepsFor(steps)), "training").GetEnumerator();
        List<StepBlock> driven = [];
        List<StepBlock> looped = [];
        List<double> resting = [];
        foreach ((int index, int length) in Lengths(steps).Index())
        {
            List<IReadOnlyList<MicroBatch>> block = StepBlock.Take(batches, length);

            // The director's placement, as it is by now: what is compared is how the workers are driven, not where experts are.
            long first = model.Step + 1;
            await plain.FollowAsync((await model.GetStatusAsync(cancellation)).Map!);
            Func<Task>[] turns =
            [
                async () => driven.Add(await StepBlock.MeasureAsync(model, block, cancellation)),
                async () => looped.Add(await StepBlock.MeasureAsync(LoopAsync(plain, first, block, cancellation), step => (step.Loss, step.Timings))),
            ];
            foreach (Func<Task> turn in index % 2 == 0 ? turns : turns.Reverse())
            {
                await turn();
            }

            RequireSame(first, driven[^1].Losses, looped[^1].Losses);
            resting.Add(await RestAsync(cancellation));
        }

        long tokens = run.Batches(1).Single().Sum(part => part.Targets.LongCount(target => target >= 0));
        return Report(silos, tokens, driven[1..], looped[1..], Samples.Median([.. resting[1..]]));
    }

    /// <summary>Measured steps of the blocks; those of the first one are not counted.</summary>
    private static int[] Lengths(int steps)
    {
        int blocks = Math.Max(1, steps / BlockSteps);
        return [WarmupSteps, .. Enumerable.Range(0, blocks).Select(block => (steps * (block + 1) / blocks) - (steps * block / blocks))];
    }

    private static async IAsyncEnumerable<PlainStep> LoopAsync(
        PlainLoop plain, long first, List<IReadOnlyList<MicroBatch>> batches, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach ((int index, IReadOnlyList<MicroBatch> batch) in batches.Index())
        {
            cancellation.ThrowIfCancellationRequested();
            yield return await plain.StepAsync(first + index, batch);
        }
    }

    private static void RequireSame(long first, List<double> driven, List<double> looped)
    {
        int different = driven.Zip(looped, (left, right) => BitConverter.DoubleToInt64Bits(left) != BitConverter.DoubleToInt64Bits(right)).ToList().IndexOf(true);
        if (different >= 0)
        {
            throw new InvalidOperationException(
                $"Step {first + different} has the loss {driven[different]:R} on the cluster and {looped[different]:R} in the plain loop: they are to be alike to the last bit.");
        }
    }

    /// <summary>Processor seconds per second while nobody trains.</summary>
    private static async Task<double> RestAsync(CancellationToken cancellation)
    {
        await Task.Delay(Settling, cancellation);
        long started = Stopwatch.GetTimestamp();
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        await Task.Delay(Rest, cancellation);
        return (Environment.CpuUsage.TotalTime - processor) / Stopwatch.GetElapsedTime(started);
    }

    private static StepBenchmarkReport Report(int silos, long tokens, List<StepBlock> driven, List<StepBlock> looped, double background)
    {
        List<StepTime> steps = [.. driven.SelectMany(block => block.Steps)];
        double passed = driven.Sum(block => block.Seconds);
        double processor = driven.Sum(block => block.ProcessorSeconds);
        var mean = PhaseSeconds.Mean([.. steps.Select(step => step.Elapsed)]);
        var meanLooped = PhaseSeconds.Mean([.. looped.SelectMany(block => block.Steps).Select(step => step.Elapsed)]);

        // The silos are there while the plain loop has its turn, and are none of its business. To wake an idle core costs more than to interrupt a busy one,
        // so what they take at rest is more than what they take then: never more than all that the workers have not taken.
        double[] own = [.. looped.Select(block => Math.Max(block.ProcessorSeconds - background * block.Seconds, block.Steps.Sum(step => step.Workers)))];
        return new StepBenchmarkReport
        {
            Silos = silos,
            Steps = steps.Count,
            SecondsPerStep = passed / steps.Count,
            TokensPerSecond = tokens * steps.Count / passed,
            Accounted = mean.Total * steps.Count / passed,
            Shares = StepShares.Of(mean, mean.Total),
            Busy = StepShares.Of(PhaseSeconds.Mean([.. steps.Select(step => step.Busy)]), mean.Total),
            ProcessorShareOutsideWorkers = 1 - steps.Sum(step => step.Workers) / processor,
            ProcessorSecondsPerStep = processor / steps.Count,
            BackgroundProcessorShare = background * passed / processor,
            PlainLoop = new PlainLoopReport
            {
                Blocks = looped.Count,
                SecondsPerStep = looped.Sum(block => block.Seconds) / steps.Count,
                ProcessorSecondsPerStep = own.Sum() / steps.Count,
                ControlPlane = meanLooped.Idle / meanLooped.Total,
                ProcessorShareOutsideWorkers = 1 - looped.Sum(block => block.Steps.Sum(step => step.Workers)) / own.Sum(),
                ProcessorRatio = processor / own.Sum(),
                ProcessorRatioMedian = Samples.Median([.. driven.Zip(own, (cluster, loop) => cluster.ProcessorSeconds / loop)]),
                SecondsRatio = passed / looped.Sum(block => block.Seconds),
                SecondsRatioMedian = Samples.Median([.. driven.Zip(looped, (cluster, loop) => cluster.Seconds / loop.Seconds)]),
                WorkersRatio = steps.Sum(step => step.Workers) / looped.Sum(block => block.Steps.Sum(step => step.Workers)),
            },
        };
    }
}

/// <summary>Steps that were measured in one go.</summary>
internal sealed class StepBlock
{
    /// <summary>The losses of all steps, those before and behind the measured ones included.</summary>
    public List<double> Losses { get; } = [];

    /// <summary>The measured steps.</summary>
    public List<StepTime> Steps { get; } = [];

    /// <summary>Seconds on the clock from the end of the step before to the end of the last.</summary>
    public double Seconds { get; private set; }

    /// <summary>The process's processor time meanwhile.</summary>
    public double ProcessorSeconds { get; private set; }

    /// <summary>Processor time that was spent for these steps after the last of them.</summary>
    public void Add(TimeSpan processor) => ProcessorSeconds += processor.TotalSeconds;

    /// <summary>The batches of a block: one more before and one behind those that count, so that the pipeline is full at both ends.</summary>
    public static List<IReadOnlyList<MicroBatch>> Take(IEnumerator<IReadOnlyList<MicroBatch>> batches, int length)
    {
        List<IReadOnlyList<MicroBatch>> taken = [];
        while (taken.Count < length + 2 && batches.MoveNext())
        {
            taken.Add(batches.Current);
        }

        return taken;
    }

    /// <summary>Trains a block on a model and measures it.</summary>
    public static Task<StepBlock> MeasureAsync(MoEModel model, IReadOnlyList<IReadOnlyList<MicroBatch>> batches, CancellationToken cancellation) =>
        MeasureAsync(model.TrainAsync(batches, cancellation), step => (step.Loss, step.Timings));

    /// <summary>Takes all steps of a sequence and measures all but the first and the last.</summary>
    public static async Task<StepBlock> MeasureAsync<T>(IAsyncEnumerable<T> steps, Func<T, (double Loss, WorkerTiming[] Timings)> read)
    {
        var block = new StepBlock();
        long started = 0;
        TimeSpan processor = default;
        (double Seconds, double ProcessorSeconds, StepTime Time) last = default;
        await foreach (T step in steps)
        {
            (double loss, WorkerTiming[] timings) = read(step);
            if (block.Losses.Count == 0)
            {
                started = Stopwatch.GetTimestamp();
                processor = Environment.CpuUsage.TotalTime;
            }
            else
            {
                if (block.Losses.Count > 1)
                {
                    (block.Seconds, block.ProcessorSeconds) = (last.Seconds, last.ProcessorSeconds);
                    block.Steps.Add(last.Time);
                }

                last = (Stopwatch.GetElapsedTime(started).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds, StepTime.Of(timings));
            }

            block.Losses.Add(loss);
        }

        return block;
    }
}

/// <summary>What the clocks of the workers say about one step.</summary>
/// <param name="Elapsed">Mean over the workers, on the clock.</param>
/// <param name="Busy">Mean over the workers, in processor time.</param>
/// <param name="Workers">Processor time of all threads of all workers.</param>
internal readonly record struct StepTime(PhaseSeconds Elapsed, PhaseSeconds Busy, double Workers)
{
    public static StepTime Of(WorkerTiming[] timings) => new(
        PhaseSeconds.Mean([.. timings.Select(timing => timing.Elapsed)]), PhaseSeconds.Mean([.. timings.Select(timing => timing.Busy)]),
        timings.Sum(timing => timing.ProcessorSeconds));
}

/// <summary>What `moe bench step` found: shares of a step's time on the clock, means over workers and steps.</summary>
public sealed record StepBenchmarkReport
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

    /// <summary>Processor time of the process per step.</summary>
    public required double ProcessorSecondsPerStep { get; init; }

    /// <summary>What the silos take while nobody trains, over the processor time of the same time in training: membership, timers, statistics.</summary>
    public required double BackgroundProcessorShare { get; init; }

    /// <summary>The same steps of the same workers without grains.</summary>
    public required PlainLoopReport PlainLoop { get; init; }
}

/// <summary>What the plain loop took, and the cluster over it. Losses were alike to the last bit, or there is no report.</summary>
public sealed record PlainLoopReport
{
    /// <summary>Blocks of steps, each between two of the cluster.</summary>
    public required int Blocks { get; init; }

    public required double SecondsPerStep { get; init; }

    /// <summary>Processor time of the process per step, without what the silos take by themselves.</summary>
    public required double ProcessorSecondsPerStep { get; init; }

    public required double ProcessorShareOutsideWorkers { get; init; }

    /// <summary>
    /// Workers without work, of their time on the clock, as <see cref="StepShares.ControlPlane"/>: what is left without grains is the loop's own two
    /// commands and, with more workers than cores, commands that wait for a core. The difference is the grains'.
    /// </summary>
    public required double ControlPlane { get; init; }

    /// <summary>Processor time of the cluster's steps over the loop's.</summary>
    public required double ProcessorRatio { get; init; }

    /// <summary>The median of that over pairs of blocks.</summary>
    public required double ProcessorRatioMedian { get; init; }

    /// <summary>Seconds on the clock of the cluster's steps over the loop's.</summary>
    public required double SecondsRatio { get; init; }

    /// <summary>The median of that over pairs of blocks.</summary>
    public required double SecondsRatioMedian { get; init; }

    /// <summary>Processor time of the workers' threads in the cluster over the loop: apart from 1, it is the placement, or the caches.</summary>
    public required double WorkersRatio { get; init; }
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
