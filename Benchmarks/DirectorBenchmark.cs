using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Benchmarks;

/// <summary>
/// One model twice on one cluster, without and with the director, a step of the one after a step of the other, on the same batches. Routing is
/// drawn: the busiest expert gets twice the tokens of the second, thrice those of the third, and so on (Zipf, s = 1). The busiest ones start
/// together on the first silo.
/// </summary>
public static class DirectorBenchmark
{
    /// <summary>Sequences of a micro-batch: enough for experts to take most of the time.</summary>
    public const int Sequences = 64;

    /// <summary>A layer is balanced when its busiest worker has at most so many times the mean.</summary>
    public const double Balanced = 1.1;

    private const int MicroBatches = 8;
    private static readonly TimeSpan DirectorDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    /// <summary>What is trained: experts that take most of the time.</summary>
    public static ModelConfiguration Model { get; } = new()
    {
        Vocabulary = 64,
        Dim = 256,
        Heads = 4,
        KeyValueHeads = 1,
        Hidden = 4096,
        Experts = [16],
        Gate = new GateOptions { Kind = ZipfGate.KindName, TopK = 1, BalanceCoefficient = 0 },
        MaximumSequence = 64,
    };

    /// <summary>Runs the benchmark.</summary>
    /// <param name="model">What is trained; its gate is the <see cref="ZipfGate"/>.</param>
    /// <param name="sequences">Sequences of a micro-batch.</param>
    /// <param name="silos">Silos of one thread each, at least two.</param>
    /// <param name="warmup">Steps of each model before those that are measured: the director acts in them.</param>
    /// <param name="steps">Measured steps of each model.</param>
    /// <param name="progress">Counts the steps of each comparison.</param>
    /// <param name="cancellation">Ends it between two steps.</param>
    public static async Task<DirectorBenchmarkReport> RunAsync(
        ModelConfiguration model, int sequences, int silos, int warmup, int steps, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions { Silos = silos, ThreadsPerWorker = 1, GateKinds = [new ZipfGate()] }, cancellation);
        return new DirectorBenchmarkReport
        {
            Silos = silos,
            Steps = steps,
            Reproducible = await CompareAsync(cluster, model, sequences, reproducible: true, warmup, steps, progress, cancellation),
            Fractional = await CompareAsync(cluster, model, sequences, reproducible: false, warmup, steps, progress, cancellation),
        };
    }

    private static async Task<DirectorComparison> CompareAsync(
        EmbeddedCluster cluster, ModelConfiguration configuration, int sequences, bool reproducible, int warmup, int steps, IProgress<BenchmarkProgress>? progress,
        CancellationToken cancellation)
    {
        var run = new RunConfiguration
        {
            Model = configuration,
            MicroBatches = MicroBatches,
            Reproducible = reproducible,
            Optimizer = new OptimizerOptions { LearningRate = 1e-3f, WarmupSteps = 10, TotalSteps = warmup + steps },
        };
        string mode = reproducible ? "reproducible" : "fractional";
        MoEModel still = await cluster.Client.CreateModelAsync($"{mode}-without", run, cancellationToken: cancellation);
        MoEModel followed = await cluster.Client.CreateModelAsync($"{mode}-with", run, cancellationToken: cancellation);

        // The static policy moves nothing and watches: so both have a prediction error.
        await still.SetDirectorAsync(new DirectorSettings { Policy = "static" }, cancellation);
        await followed.SetDirectorAsync(new DirectorSettings(), cancellation);
        var without = new DirectorSamples();
        var with = new DirectorSamples();
        foreach (IReadOnlyList<MicroBatch> batch in BenchmarkProgress.Over(progress, RandomBatches.Of(run, sequences, warmup + steps), mode))
        {
            without.Add(await still.TrainStepAsync(batch, cancellation), await SeenAsync(still, cancellation));
            with.Add(await followed.TrainStepAsync(batch, cancellation), await SeenAsync(followed, cancellation));
        }

        return DirectorComparison.Of(without, with, cluster.Silos.Silos.Count, steps);
    }

    /// <summary>The director learns of a step after it has been committed; the next step waits for that, so that runs can be compared.</summary>
    private static async Task<DirectorStatus> SeenAsync(MoEModel model, CancellationToken cancellation)
    {
        DirectorStatus status = await model.GetDirectorAsync(cancellation);
        for (DateTime deadline = DateTime.UtcNow + DirectorDeadline; status.Step < model.Step && DateTime.UtcNow < deadline;)
        {
            await Task.Delay(Pause, cancellation);
            status = await model.GetDirectorAsync(cancellation);
        }

        return status;
    }
}

/// <summary>What `moe bench director` found.</summary>
public sealed record DirectorBenchmarkReport
{
    /// <summary>Silos of one thread each.</summary>
    public required int Silos { get; init; }

    /// <summary>Measured steps of each model.</summary>
    public required int Steps { get; init; }

    /// <summary>Replicas take whole micro-batches.</summary>
    public required DirectorComparison Reproducible { get; init; }

    /// <summary>Replicas take any share of an expert's tokens.</summary>
    public required DirectorComparison Fractional { get; init; }
}
