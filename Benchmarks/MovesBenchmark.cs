using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Planners;
using MoEActors.Workers.Host;

namespace MoEActors.Benchmarks;

/// <summary>
/// Trains and moves a random expert every few steps; the second half of the moves takes the experts home again, so that memory can be compared.
/// </summary>
public sealed class MovesBenchmark
{
    /// <summary>Number of outcomes that grains and hosts remember: as much empty work replaces all of them before memory is read.</summary>
    private const int Remembered = 256;

    /// <summary>A move that is requested during one step takes place between that step and the next: both count as disturbed.</summary>
    private const int Disturbed = 2;

    /// <summary>Until arenas, tables and compiled code have their final size: moves take longer to warm up than steps.</summary>
    private const int WarmupSteps = 3 * TrainedRun.WarmupSteps;

    /// <summary>A value and two moments, in fp32.</summary>
    private const long BytesPerParameter = 3 * sizeof(float);

    private readonly EmbeddedCluster _cluster;
    private readonly TrainedRun _run;
    private readonly int _silos;
    private readonly int _every;
    private readonly int[][] _ranks;
    private readonly Random _random = new(1);
    private readonly Stack<(int Layer, int Expert, int Home)> _away = [];
    private readonly List<double> _quiet = [];
    private readonly List<double> _disturbed = [];
    private int _moves;

    private MovesBenchmark(EmbeddedCluster cluster, TrainedRun run, int silos, int every)
    {
        _cluster = cluster;
        _run = run;
        _silos = silos;
        _every = every;
        _ranks = [.. run.Run.Model.Experts.Select(experts =>
            Enumerable.Range(0, experts).Select(expert => StaticPlanner.RankOf(expert, experts, silos)).ToArray())];
    }

    /// <summary>Runs the benchmark.</summary>
    /// <param name="run">What is trained.</param>
    /// <param name="silos">At least two.</param>
    /// <param name="steps">Measured steps.</param>
    /// <param name="every">Steps from one move to the next.</param>
    /// <param name="progress">Counts the steps.</param>
    /// <param name="cancellation">Ends it between two steps.</param>
    public static async Task<MovesReport> RunAsync(
        TrainedRun run, int silos, int steps, int every, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos }, cancellation);
        MoEModel model = await run.CreateAsync(cluster.Client, cancellation);
        var benchmark = new MovesBenchmark(cluster, run, silos, every);

        await benchmark.TrainAsync(model, WarmupSteps, progress: null, cancellation);
        benchmark.Forget();
        (long unmanaged, long managed) = await benchmark.MemoryAsync(model, cancellation);
        await benchmark.TrainAsync(model, steps, progress, cancellation);
        (long unmanagedAfter, long managedAfter) = await benchmark.MemoryAsync(model, cancellation);
        return benchmark.Report(silos, steps, unmanagedAfter - unmanaged, managedAfter - managed);
    }

    private MovesReport Report(int silos, int steps, long unmanaged, long managed)
    {
        double[] all = [.. _quiet, .. _disturbed];
        double median = Samples.Median(all);
        double quiet = Samples.Median([.. _quiet]);
        double[] added = [.. _disturbed.Chunk(Disturbed).Select(pair => pair.Sum() - pair.Length * quiet)];
        return new MovesReport
        {
            Silos = silos,
            Steps = steps,
            Moves = _moves,
            MedianSeconds = median,
            SlowestSeconds = all.Max(),
            SlowestRatio = all.Max() / median,
            SlowestQuietRatio = _quiet.Max() / median,
            SecondsPerMove = Samples.Median(added),
            BytesMoved = _moves * ModelLayout.ExpertCount(_run.Run.Model) * BytesPerParameter,
            UnmanagedBytesLeaked = unmanaged,
            ManagedBytesLeaked = managed,
        };
    }

    private void Forget()
    {
        _quiet.Clear();
        _disturbed.Clear();
        _moves = 0;
    }

    /// <summary>Trains on, and moves as it goes: outward in the first half, home in the second.</summary>
    private async Task TrainAsync(MoEModel model, int steps, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
    {
        Task move = Task.CompletedTask;
        int step = 0;
        int disturbed = 0;
        long last = 0;
        await foreach (StepOutcome _ in model.TrainAsync(BenchmarkProgress.Over(progress, _run.Batches(steps), "training"), cancellation))
        {
            long now = Stopwatch.GetTimestamp();
            if (step > 0)
            {
                (disturbed > 0 ? _disturbed : _quiet).Add((double)(now - last) / Stopwatch.Frequency);
                disturbed--;
            }

            last = now;
            step++;
            if (step % _every == 0 && step + Disturbed < steps)
            {
                await move;
                move = step < steps / 2 ? MoveAwayAsync(model, cancellation) : MoveHomeAsync(model, cancellation);
                disturbed = Disturbed;
            }
        }

        await move;
        while (_away.Count > 0)
        {
            await MoveHomeAsync(model, cancellation);
        }
    }

    private Task MoveAwayAsync(MoEModel model, CancellationToken cancellation)
    {
        int[] mixtures = [.. _run.Run.Model.MoELayers];
        int layer = mixtures[_random.Next(mixtures.Length)];
        int expert = _random.Next(_ranks[layer].Length);
        int from = _ranks[layer][expert];
        _away.Push((layer, expert, from));
        return MoveAsync(model, layer, expert, (from + 1 + _random.Next(_silos - 1)) % _silos, cancellation);
    }

    private Task MoveHomeAsync(MoEModel model, CancellationToken cancellation)
    {
        if (!_away.TryPop(out (int Layer, int Expert, int Home) move))
        {
            return Task.CompletedTask;
        }

        return MoveAsync(model, move.Layer, move.Expert, move.Home, cancellation);
    }

    private Task MoveAsync(MoEModel model, int layer, int expert, int rank, CancellationToken cancellation)
    {
        _ranks[layer][expert] = rank;
        _moves++;
        return model.MoveExpertAsync(layer, expert, rank, cancellation);
    }

    private async Task<(long Unmanaged, long Managed)> MemoryAsync(MoEModel model, CancellationToken cancellation)
    {
        var nothing = new MicroBatch([0], [0], 1);
        for (int i = 0; i < Remembered; i++)
        {
            await model.EvaluateAsync([nothing], cancellation);
        }

        long unmanaged = 0;
        foreach (EmbeddedSilo silo in _cluster.Silos.Silos)
        {
            WorkerHost host = silo.Services.GetRequiredService<WorkerHost>();
            unmanaged += host.AllocatedBytes - host.ArenaBytesOf(model.Name);
        }

        return (unmanaged, GC.GetTotalMemory(forceFullCollection: true));
    }
}

/// <summary>What `moe bench moves` found. A step's time runs from the end of the step before to its own end.</summary>
public sealed record MovesReport
{
    public required int Silos { get; init; }

    public required int Steps { get; init; }

    public required int Moves { get; init; }

    public required double MedianSeconds { get; init; }

    public required double SlowestSeconds { get; init; }

    /// <summary>Slowest over median.</summary>
    public required double SlowestRatio { get; init; }

    /// <summary>The slowest step without a move over the median: the machine's own variation.</summary>
    public required double SlowestQuietRatio { get; init; }

    /// <summary>What a move adds to a run, median: the time of the step it was asked for in and the next, less two quiet steps'.</summary>
    public required double SecondsPerMove { get; init; }

    /// <summary>Parameters and moments that travelled.</summary>
    public required long BytesMoved { get; init; }

    /// <summary>Device memory after all experts have come home, less that before, arenas apart.</summary>
    public required long UnmanagedBytesLeaked { get; init; }

    /// <summary>What is alive on the managed heap afterwards, less before: some tens of KB of either sign are the runtime's own.</summary>
    public required long ManagedBytesLeaked { get; init; }
}
