using System.Diagnostics;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Benchmarks;

/// <summary>
/// Trains without a pause, and every few steps proposes, as the director would, that an expert change its worker beside the next step. A change
/// may cost the step that it comes with and the one after, the first in the new placement: both together are compared with two in a row that had
/// none. Steps are now and then much slower than their median, never much faster, so that two of them take longer than two medians.
/// </summary>
public sealed class PlacementChangeBenchmark(MoEModel model, ITrainingProtocol training, int silos, int every)
{
    /// <summary>Steps that a change may disturb.</summary>
    public const int Disturbed = 2;

    /// <summary>A value and two moments, in fp32.</summary>
    private const long BytesPerParameter = 3 * sizeof(float);

    private readonly Random _random = new(1);
    private readonly List<(double Seconds, double Processor)[]> _plain = [];
    private readonly List<(double Seconds, double Processor)[]> _disturbed = [];
    private long _proposals;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="run">What is trained.</param>
    /// <param name="silos">At least two.</param>
    /// <param name="switches">Changes that are measured.</param>
    /// <param name="every">Steps from one change to the next.</param>
    /// <param name="progress">Counts the steps.</param>
    /// <param name="cancellation">Ends it between two steps.</param>
    public static async Task<PlacementChangeReport> RunAsync(
        RunConfiguration run, int silos, int switches, int every, IProgress<BenchmarkProgress>? progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions { Silos = silos, ThreadsPerWorker = 1 }, cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync("bench", run, cancellationToken: cancellation);
        var benchmark = new PlacementChangeBenchmark(model, cluster.Silos.Client.GetGrain<ITrainingProtocol>(model.Name), silos, every);

        // Moves warm up later than steps: some are made and forgotten.
        await benchmark.TrainAsync(RandomBatches.Of(run, sequences: 1, TrainedRun.WarmupSteps), cancellation);
        benchmark._plain.Clear();
        benchmark._disturbed.Clear();
        await benchmark.TrainAsync(BenchmarkProgress.Over(progress, RandomBatches.Of(run, sequences: 1, StepsOf(switches, every)), "training"), cancellation);
        return benchmark.Report();
    }

    /// <summary>Steps in which so many changes are measured.</summary>
    public static int StepsOf(int switches, int every) => every * (switches + 1);

    private PlacementChangeReport Report()
    {
        double plain = Step(step => step.Seconds);
        double[] extra = Beyond(step => step.Seconds, _disturbed);
        double median = Samples.Median(extra);
        return new PlacementChangeReport
        {
            Silos = silos,
            Switches = extra.Length,
            Steps = (_plain.Count + extra.Length) * Disturbed,
            BytesPerSwitch = ModelLayout.ExpertCount(model.Run.Model) * BytesPerParameter,
            MedianSeconds = plain,
            ExtraSeconds = median,
            ExtraShare = median / plain,
            ExtraShareWith = Samples.Median([.. _disturbed.Select(steps => steps[0].Seconds)]) / plain - 1,
            ExtraShareAfter = Samples.Median([.. _disturbed.Select(steps => steps[^1].Seconds)]) / plain - 1,
            WorstShare = extra.Max() / plain,
            WorstPlainShare = Beyond(step => step.Seconds, _plain).Max() / plain,
            ExtraProcessorShare = Samples.Median(Beyond(step => step.Processor, _disturbed)) / Step(step => step.Processor),
        };
    }

    /// <summary>The median of a step without a change.</summary>
    private double Step(Func<(double Seconds, double Processor), double> part) => Samples.Median([.. _plain.SelectMany(steps => steps.Select(part))]);

    /// <summary>What steps in a row took more than the median of as many without a change.</summary>
    private double[] Beyond(Func<(double Seconds, double Processor), double> part, List<(double Seconds, double Processor)[]> inARow)
    {
        double usual = Samples.Median([.. _plain.Select(steps => steps.Sum(part))]);
        return [.. inARow.Select(steps => steps.Sum(part) - usual)];
    }

    private async Task TrainAsync(IEnumerable<IReadOnlyList<MicroBatch>> batches, CancellationToken cancellation)
    {
        long last = Stopwatch.GetTimestamp();
        TimeSpan lastProcessor = Environment.CpuUsage.TotalTime;
        int sinceSwitch = Disturbed;
        int step = 0;
        List<(double Seconds, double Processor)> inARow = [];
        await foreach (StepOutcome outcome in model.TrainAsync(batches, cancellation))
        {
            long now = Stopwatch.GetTimestamp();
            TimeSpan processor = Environment.CpuUsage.TotalTime;
            (double Seconds, double Processor) times = ((double)(now - last) / Stopwatch.Frequency, (processor - lastProcessor).TotalSeconds);
            (last, lastProcessor) = (now, processor);
            sinceSwitch = outcome.ShardsMoved > 0 ? 0 : sinceSwitch + 1;
            if (sinceSwitch is 0 or Disturbed)
            {
                inARow.Clear();
            }

            if (step > 0)
            {
                inARow.Add(times);
            }

            if (inARow.Count == Disturbed)
            {
                (sinceSwitch < Disturbed ? _disturbed : _plain).Add([.. inARow]);
                inARow.Clear();
            }

            if (step++ % every == 0)
            {
                await ProposeAsync(cancellation);
            }
        }
    }

    /// <summary>One expert of one layer to another worker, with the next step that begins.</summary>
    private async Task ProposeAsync(CancellationToken cancellation)
    {
        TrainingStatus status = await model.GetStatusAsync(cancellation);
        int[] mixtures = [.. model.Run.Model.MoELayers];
        int layer = mixtures[_random.Next(mixtures.Length)];
        int[][] ranks = [.. status.Map!.Ranks()[layer].Select(replicas => replicas.ToArray())];
        int expert = _random.Next(ranks.Length);
        ranks[expert] = [(ranks[expert][0] + 1 + _random.Next(silos - 1)) % silos];
        ProposalAnswer answer = await training.ProposeAsync(new PlanProposal(++_proposals, status.View, [new LayerProposal(layer, ranks)], BytesPerStep: 1));
        if (answer.Refusal is { } refusal)
        {
            throw new InvalidOperationException($"The change of placement was refused: {refusal}");
        }
    }
}

/// <summary>What `moe bench switch` trains: experts of 8 MB of weights, 24 MB with their moments.</summary>
public static class PlacementChangeModel
{
    /// <summary>The run, of one sequence per micro-batch.</summary>
    public static RunConfiguration Run { get; } = new()
    {
        MicroBatches = 8,
        Model = new ModelConfiguration
        {
            Vocabulary = 256,
            Dim = 512,
            Heads = 8,
            KeyValueHeads = 4,
            Hidden = 1365,
            Experts = [8, 8],
            Gate = new GateOptions { TopK = 2 },
            MaximumSequence = 128,
        },
        Optimizer = new OptimizerOptions { LearningRate = 1e-3f, WarmupSteps = 10 },
    };
}

/// <summary>What `moe bench switch` found. A step's time runs from the end of the step before to its own end.</summary>
public sealed record PlacementChangeReport
{
    public required int Silos { get; init; }

    /// <summary>Changes of placement: one expert each.</summary>
    public required int Switches { get; init; }

    public required int Steps { get; init; }

    /// <summary>Weights and moments that travel with one.</summary>
    public required long BytesPerSwitch { get; init; }

    /// <summary>Median of the steps that no change disturbed.</summary>
    public required double MedianSeconds { get; init; }

    /// <summary>What a change adds, median: the time of the step that it came with and the next one, less the median of two in a row without.</summary>
    public required double ExtraSeconds { get; init; }

    /// <summary>The same over the median step.</summary>
    public required double ExtraShare { get; init; }

    /// <summary>The part of the step that it came with, median, over the median step.</summary>
    public required double ExtraShareWith { get; init; }

    /// <summary>The part of the first step in the new placement.</summary>
    public required double ExtraShareAfter { get; init; }

    /// <summary>The most expensive change, over the median step.</summary>
    public required double WorstShare { get; init; }

    /// <summary>The slowest two steps in a row without a change, in the same way: the machine's own variation.</summary>
    public required double WorstPlainShare { get; init; }

    /// <summary>What a change adds in processor time of the whole process, over that of the median step: other programs do not count.</summary>
    public required double ExtraProcessorShare { get; init; }
}
