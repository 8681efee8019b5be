using FsCheck;
using FsCheck.Fluent;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Whether rows travel or experts, layer by layer and step by step, changes no bit of a result, and moves no shard.</summary>
public sealed class ParallelismTests : IAsyncLifetime
{
    private const int Steps = 6;

    /// <summary>Devices of each silo.</summary>
    private static readonly int[] Devices = [1, 2, 1];

    private static readonly RunConfiguration[] Runs =
    [
        TrainingRuns.With("swiglu", new GateOptions { TopK = 2 }),
        TrainingRuns.With("gelu", new GateOptions { TopK = 1, CapacityFactor = 1.1f }) with { Recompute = "all" },
        TrainingRuns.With("gelu", new GateOptions { TopK = 3, CapacityFactor = 0.6f, Scores = GateScores.Sigmoid }) with { MicroBatches = 7 },
        TrainingRuns.With("swiglu", new GateOptions { TopK = 2 }) with { MicroBatches = 3, Recompute = "1-2" },
    ];

    private TrainingCluster _cluster = null!;
    private int _models;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await TrainingCluster.RentAsync(Devices);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public void It_changes_no_bit_whatever_the_placement_and_the_replicas()
    {
        Gen<ParallelismCase> cases =
            from run in Gen.Choose(0, Runs.Length - 1)
            from ranks in Gen.ArrayOf(Gen.NonEmptyListOf(Gen.Choose(0, Devices.Sum() - 1)), Runs[run].Model.Experts.Sum())
            from choices in Gen.ArrayOf(Gen.Elements(Enum.GetValues<LayerParallelism>()), Steps * Runs[run].Model.MoELayers.Count())
            select new ParallelismCase(run, [.. ranks.Select(some => some.Distinct().Take(2).ToArray())], choices);
        Prop.ForAll(cases.ToArbitrary(), one => CheckAsync(one).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(16).WithQuietOnSuccess(true));
    }

    [Fact]
    public async Task Where_experts_travel_replicas_that_would_share_micro_batches_change_no_bit_either()
    {
        RunConfiguration run = Runs[0] with { Reproducible = false };
        MoEModel model = await CreateAsync(run, [.. Runs[0].Model.Experts.Select(experts => Enumerable.Repeat<int[]>([0, 2, 3], experts).ToArray())]);
        await model.ConfigureParallelismAsync(LayerParallelism.Data, cancellationToken: Cancellation);
        (await TrainingTrace.UndisturbedAsync(Runs[0], Steps)).AssertSame(await TrainingTrace.OfAsync(model, Steps), "experts travel");
    }

    [Fact]
    public async Task It_lasts_over_a_move_a_coordinator_and_a_death()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Runs[0], null, Cancellation);
        ParallelismOutcome outcome = await model.ConfigureParallelismAsync(LayerParallelism.Data, 2, Cancellation);
        Assert.Equal((LayerParallelism.Expert, LayerParallelism.Data, 1L), (outcome.Layers[0].Travels, outcome.Layers[2].Travels, outcome.FromStep));
        await model.TrainStepAsync(TrainingRuns.Batch(Runs[0], 1), Cancellation);
        await model.MoveExpertAsync(2, 0, 2, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Runs[0], 2), Cancellation);
        await cluster.KillAsync(cluster.Silos.Silos[1]);
        (await TrainingTrace.UndisturbedAsync(Runs[0], Steps)).AssertEnd(await TrainingTrace.OfAsync(model, Steps - 2), "after a death");
        Assert.Equal(outcome.Layers, (await model.GetStatusAsync(Cancellation)).Parallelism);
    }

    [Fact]
    public async Task Rows_that_are_passed_on_inside_silos_first_change_no_bit_and_make_fewer_messages()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([2, 3, 1]);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Runs[0], null, Cancellation);
        MoEModel straight = await cluster.Client.CreateModelAsync(cluster["straight"], Runs[0], null, Cancellation);
        long messages = 0, fewer = 0;
        List<StepOutcome> outcomes = [];
        for (int step = 1; step <= Steps; step++)
        {
            ParallelismChoice choice = ParallelismChoice.Of(step == 3 ? LayerParallelism.TransientCopies : LayerParallelism.Expert) with { Exchange = AllToAll.Hierarchical };
            await model.ConfigureParallelismAsync(choice, cancellationToken: Cancellation);
            outcomes.Add(await model.TrainStepAsync(TrainingRuns.Batch(Runs[0], step), Cancellation));
            fewer += outcomes[^1].Timings.Sum(timing => timing.SentMessages);
            messages += (await straight.TrainStepAsync(TrainingRuns.Batch(Runs[0], step), Cancellation)).Timings.Sum(timing => timing.SentMessages);
        }

        var trace = new TrainingTrace(
            [.. outcomes.Select(outcome => outcome.Loss)], [.. outcomes.Select(outcome => outcome.GradientNorm)], await model.FingerprintAsync(Cancellation));
        (await TrainingTrace.UndisturbedAsync(Runs[0], Steps)).AssertSame(trace, "hierarchical");
        Assert.InRange(fewer, 1, messages - 1);
    }

    [Fact]
    public async Task No_rows_travel_then_but_weights_and_evaluation_is_as_before()
    {
        MoEModel model = await CreateAsync(Runs[0], []);
        StepOutcome rows = await model.TrainStepAsync(TrainingRuns.Batch(Runs[0], 1), Cancellation);
        double loss = (await model.EvaluateAsync(TrainingRuns.Batch(Runs[0], 2), Cancellation)).Loss;
        await model.ConfigureParallelismAsync(LayerParallelism.Data, cancellationToken: Cancellation);
        Assert.Equal(loss, (await model.EvaluateAsync(TrainingRuns.Batch(Runs[0], 2), Cancellation)).Loss);
        StepOutcome weights = await model.TrainStepAsync(TrainingRuns.Batch(Runs[0], 2), Cancellation);
        ModelConfiguration configuration = Runs[0].Model;
        long expert = ModelLayout.Expert(configuration).Sum(shape => (shape.Count + 15L) / 16 * 16) * sizeof(float);
        int workers = Devices.Sum();

        // In each round an expert goes to all others at most, and its gradients come home.
        long most = 2 * (Runs[0].MicroBatches / workers) * configuration.Experts.Sum() * (workers - 1) * expert;
        Assert.InRange(weights.Timings.Sum(timing => timing.SentBytes), 1, most);
        Assert.NotEqual(rows.Timings.Sum(timing => timing.SentBytes), weights.Timings.Sum(timing => timing.SentBytes));
    }

    [Fact]
    public async Task Executors_allocate_nothing_once_both_ways_are_warm()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2], threads: 1);
        RunConfiguration run = Runs[0];
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        List<long> allocated = [];
        while (allocated.Count < 64 && !(allocated.Count >= 16 && allocated[^8..].Sum() == 0))
        {
            LayerParallelism parallelism = allocated.Count % 2 == 0 ? LayerParallelism.Data : LayerParallelism.Expert;
            await model.ConfigureParallelismAsync(parallelism, cancellationToken: Cancellation);
            allocated.Add((await model.TrainStepAsync(TrainingRuns.Batch(run, Math.Min(allocated.Count + 1, 3)), Cancellation)).ExecutorAllocatedBytes);
        }

        Assert.True(allocated[^8..].Sum() == 0, $"Bytes by step: {string.Join(", ", allocated)}.");
    }

    [Fact]
    public async Task What_cannot_be_is_refused_and_nothing_has_changed()
    {
        MoEModel model = await CreateAsync(Runs[0], []);
        InvalidRequestException dense = await Assert.ThrowsAsync<InvalidRequestException>(
            () => model.ConfigureParallelismAsync(LayerParallelism.Data, 1, Cancellation));
        Assert.Contains("Layer 1 has no experts; layers with experts are 0, 2", dense.Message, StringComparison.Ordinal);
        ArgumentOutOfRangeException other = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => model.ConfigureParallelismAsync((LayerParallelism)7, 0, Cancellation));
        Assert.Contains("Expert, Data, TransientCopies", other.Message, StringComparison.Ordinal);
        Assert.Empty((await model.GetStatusAsync(Cancellation)).Parallelism);
    }

    private async Task CheckAsync(ParallelismCase one)
    {
        RunConfiguration run = Runs[one.Run];
        int[] layers = [.. run.Model.MoELayers];
        MoEModel model = await CreateAsync(run, one.Placement(run));
        List<StepOutcome> outcomes = [];
        for (int step = 1; step <= Steps; step++)
        {
            for (int i = 0; i < layers.Length; i++)
            {
                await model.ConfigureParallelismAsync(one.Choices[(step - 1) * layers.Length + i], layers[i], Cancellation);
            }

            outcomes.Add(await model.TrainStepAsync(TrainingRuns.Batch(run, step), Cancellation));
        }

        var trace = new TrainingTrace(
            [.. outcomes.Select(outcome => outcome.Loss)], [.. outcomes.Select(outcome => outcome.GradientNorm)], await model.FingerprintAsync(Cancellation));
        (await TrainingTrace.UndisturbedAsync(run, Steps)).AssertSame(trace, one.ToString());
    }

    private Task<MoEModel> CreateAsync(RunConfiguration run, int[][][] ranks) =>
        _cluster.Client.CreateModelAsync(_cluster[$"m{_models++}"], run, new PlacementRequest { Ranks = ranks }, Cancellation);

    private sealed record ParallelismCase(int Run, int[][] Ranks, LayerParallelism[] Choices)
    {
        public int[][][] Placement(RunConfiguration run)
        {
            int next = 0;
            return [.. run.Model.Experts.Select(experts => Enumerable.Range(0, experts).Select(_ => Ranks[next++]).ToArray())];
        }

        public override string ToString() =>
            $"run {Run}, experts on {string.Join(' ', Ranks.Select(ranks => string.Join('+', ranks)))}, {string.Join(' ', Choices)}";
    }
}
