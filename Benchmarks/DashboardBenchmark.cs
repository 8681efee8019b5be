using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Benchmarks;

/// <summary>
/// What a dashboard costs training: blocks of steps without one, with one that some look at, and with one that as many look at who read nothing, in turns.
/// Those who look are another process, as they would be.
/// </summary>
public static class DashboardBenchmark
{
    /// <summary>Steps in which what starts with a dashboard, and with those who look, comes to rest.</summary>
    private const int SettlingSteps = 8;

    private static readonly ViewerKind[] Kinds = [ViewerKind.None, ViewerKind.Reading, ViewerKind.Deaf];

    /// <summary>Steps that the cluster takes for so many measured ones of each kind.</summary>
    /// <param name="blocks">Blocks of each kind.</param>
    /// <param name="steps">Measured steps of a block.</param>
    public static int StepsFor(int blocks, int steps) => StepBenchmark.WarmupSteps + (Kinds.Length * (blocks + 1) * (steps + SettlingSteps + 4));

    /// <summary>Runs the benchmark.</summary>
    /// <param name="run">What is trained.</param>
    /// <param name="silos">Silos in this process.</param>
    /// <param name="blocks">Blocks of each kind; one more warms up.</param>
    /// <param name="steps">Measured steps of a block.</param>
    /// <param name="viewers">How many look.</param>
    /// <param name="serve">Serves a dashboard of the cluster.</param>
    /// <param name="look">Looks at it: with an address, the number of those who do, and whether they read.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<DashboardBenchmarkReport> RunAsync(
        TrainedRun run, int silos, int blocks, int steps, int viewers, Func<MoECluster, Task<(Uri Address, IAsyncDisposable Server)>> serve,
        Func<Uri, int, bool, Task<IAsyncDisposable>> look, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos }, cancellation);
        MoEModel model = await run.CreateAsync(cluster.Client, cancellation);
        if (run.Director && silos > 1)
        {
            await model.SetDirectorAsync(new DirectorSettings(), cancellation);
        }

        using IEnumerator<IReadOnlyList<MicroBatch>> batches = BenchmarkProgress.Over(progress, run.Batches(StepsFor(blocks, steps)), "training").GetEnumerator();
        await MeasureAsync(StepBenchmark.WarmupSteps - 2);
        Dictionary<ViewerKind, List<StepBlock>> measured = Kinds.ToDictionary(kind => kind, _ => new List<StepBlock>());
        for (int block = 0; block <= blocks; block++)
        {
            // Another one first each time: what the machine does meanwhile is no kind's.
            foreach (ViewerKind kind in Enumerable.Range(0, Kinds.Length).Select(turn => Kinds[(block + turn) % Kinds.Length]))
            {
                StepBlock one = await WithViewersAsync(kind);
                if (block > 0)
                {
                    measured[kind].Add(one);
                }
            }
        }

        return DashboardBenchmarkReport.Of(silos, viewers, steps, measured);

        async Task<StepBlock> WithViewersAsync(ViewerKind kind)
        {
            if (kind == ViewerKind.None)
            {
                return await SettleAndMeasureAsync();
            }

            (Uri address, IAsyncDisposable server) = await serve(cluster.Client);
            await using (server)
            await using (await look(address, viewers, kind == ViewerKind.Reading))
            {
                return await SettleAndMeasureAsync();
            }
        }

        async Task<StepBlock> SettleAndMeasureAsync()
        {
            await MeasureAsync(SettlingSteps);
            return await MeasureAsync(steps);
        }

        Task<StepBlock> MeasureAsync(int count) => StepBlock.MeasureAsync(model, StepBlock.Take(batches, count), cancellation);
    }
}

/// <summary>Who looks at a dashboard.</summary>
internal enum ViewerKind
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>Viewers who read what they are sent.</summary>
    Reading,

    /// <summary>Viewers who read nothing.</summary>
    Deaf,
}

/// <summary>What `moe bench dashboard` found. Ratios are medians over pairs of neighbouring blocks, each over the one without a dashboard.</summary>
public sealed record DashboardBenchmarkReport
{
    public required int Silos { get; init; }

    public required int Viewers { get; init; }

    /// <summary>Blocks of each kind.</summary>
    public required int Blocks { get; init; }

    public required int StepsPerBlock { get; init; }

    public required DashboardCost Without { get; init; }

    public required DashboardCost Reading { get; init; }

    public required DashboardCost Deaf { get; init; }

    internal static DashboardBenchmarkReport Of(int silos, int viewers, int steps, IReadOnlyDictionary<ViewerKind, List<StepBlock>> measured)
    {
        List<StepBlock> without = measured[ViewerKind.None];
        return new DashboardBenchmarkReport
        {
            Silos = silos,
            Viewers = viewers,
            Blocks = without.Count,
            StepsPerBlock = steps,
            Without = DashboardCost.Of(without, without),
            Reading = DashboardCost.Of(measured[ViewerKind.Reading], without),
            Deaf = DashboardCost.Of(measured[ViewerKind.Deaf], without),
        };
    }
}

/// <summary>What steps took.</summary>
public sealed record DashboardCost
{
    public required double SecondsPerStep { get; init; }

    /// <summary>Processor time of the training process per step; those who look are another one.</summary>
    public required double ProcessorSecondsPerStep { get; init; }

    /// <summary>Median of the processor time over that of the block without a dashboard beside it.</summary>
    public required double ProcessorRatio { get; init; }

    /// <summary>Between which ratios that median is in 95 of 100 cases.</summary>
    public required double ProcessorRatioLow { get; init; }

    /// <inheritdoc cref="ProcessorRatioLow" />
    public required double ProcessorRatioHigh { get; init; }

    /// <summary>Median of the seconds on the clock over those of the block without a dashboard beside it.</summary>
    public required double SecondsRatio { get; init; }

    internal static DashboardCost Of(List<StepBlock> blocks, List<StepBlock> without)
    {
        int steps = blocks.Sum(block => block.Steps.Count);
        double[] ratios = [.. blocks.Zip(without, (one, other) => one.ProcessorSeconds / other.ProcessorSeconds)];
        (double low, double high) = Samples.MedianInterval(ratios);
        return new DashboardCost
        {
            SecondsPerStep = blocks.Sum(block => block.Seconds) / steps,
            ProcessorSecondsPerStep = blocks.Sum(block => block.ProcessorSeconds) / steps,
            ProcessorRatio = Samples.Median(ratios),
            ProcessorRatioLow = low,
            ProcessorRatioHigh = high,
            SecondsRatio = Samples.Median([.. blocks.Zip(without, (one, other) => one.Seconds / other.Seconds)]),
        };
    }
}
