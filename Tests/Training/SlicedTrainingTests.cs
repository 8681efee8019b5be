using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Parallelism;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Kinds;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Experts in slices learn what whole ones do, within rounding, in runs that need not be reproducible.</summary>
public sealed class SlicedTrainingTests : IAsyncLifetime
{
    /// <summary>Two experts, five and seven: fewer and more than workers.</summary>
    private static readonly RunConfiguration Run = TrainingRuns.With("gelu", new GateOptions { TopK = 2, CapacityFactor = 1.2f }) with { Reproducible = false };

    private static readonly RunConfiguration Few = Run with { Model = Run.Model with { Experts = [2, 0, 3], Expert = "swiglu" } };

    private TrainingCluster _cluster = null!;
    private int _models;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await TrainingCluster.RentAsync([1, 2, 1]);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory, InlineData(2), InlineData(3), InlineData(4)]
    public async Task A_step_has_the_loss_and_the_gradient_of_whole_experts_and_moves_nothing(int slices)
    {
        foreach (RunConfiguration run in new[] { Run, Few, Few with { Recompute = "all" } })
        {
            MoEModel whole = await CreateAsync(run), sliced = await CreateAsync(run);
            StepOutcome expected = await whole.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation);
            ParallelismOutcome outcome = await sliced.ConfigureParallelismAsync(ParallelismChoice.Sliced(slices), cancellationToken: Cancellation);
            Assert.Equal(ParallelismChoice.Sliced(slices), outcome.Layers[0]);
            PlacementMap? before = (await sliced.GetStatusAsync(Cancellation)).Map;
            Near(expected, await sliced.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation), 1e-5);
            TrainingStatus status = await sliced.GetStatusAsync(Cancellation);
            Assert.Equal(before!.Ranks(), status.Map!.Ranks());
            Assert.Equal(before.Version, status.Map.Version);
            Assert.Equal(ParallelismChoice.Sliced(slices), status.Parallelism[2]);
        }
    }

    [Fact]
    public async Task It_is_chosen_layer_by_layer_and_step_by_step_beside_the_other_ways_moves_replicas_and_a_death()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel still = await cluster.Client.CreateModelAsync(cluster["still"], Run, null, Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync(
            cluster["m"], Run, new PlacementRequest { Ranks = [[[0, 1], [1], [2, 0], [1], [0, 1, 2]], [], [[0], [1], [2], [0], [1, 2], [2], [0]]] }, Cancellation);
        ParallelismChoice[] choices = [ParallelismChoice.Sliced(2), ParallelismChoice.Sliced(3), LayerParallelism.Data, LayerParallelism.Expert, LayerParallelism.TransientCopies];
        for (int step = 1; step <= 8; step++)
        {
            await model.ConfigureParallelismAsync(choices[step % choices.Length], 0, Cancellation);
            await model.ConfigureParallelismAsync(choices[(step + 2) % choices.Length], 2, Cancellation);
            StepOutcome expected = await still.TrainStepAsync(TrainingRuns.Batch(Run, step), Cancellation);
            Near(expected, await model.TrainStepAsync(TrainingRuns.Batch(Run, step), Cancellation), 1e-3);
            if (step == 3)
            {
                await model.MoveExpertAsync(2, 0, 2, Cancellation);
            }

            if (step == 6)
            {
                await cluster.KillAsync(cluster.Silos.Silos[1]);
            }
        }
    }

    [Fact]
    public async Task A_checkpoint_keeps_it_and_evaluation_is_as_before()
    {
        using var folder = new TemporaryFolder();
        MoEModel model = await CreateAsync(Run);
        double loss = (await model.EvaluateAsync(TrainingRuns.Batch(Run, 2), Cancellation)).Loss;
        await model.ConfigureParallelismAsync(ParallelismChoice.Sliced(2), 2, Cancellation);
        Assert.Equal(loss, (await model.EvaluateAsync(TrainingRuns.Batch(Run, 2), Cancellation)).Loss);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        await model.SaveAsync(folder.Path, cancellationToken: Cancellation);
        MoEModel restored = await _cluster.Client.RestoreModelAsync(_cluster["restored"], folder.Path, null, Cancellation);
        TrainingStatus status = await restored.GetStatusAsync(Cancellation);
        Assert.Equal([ParallelismChoice.ExpertParallel, ParallelismChoice.ExpertParallel, ParallelismChoice.Sliced(2)], status.Parallelism);
    }

    /// <summary>The choice stays for the steps that count: to admit another one takes memory, and a collection of that is seen in what threads are said to have allocated.</summary>
    [Theory, InlineData(2, AllToAll.Linear), InlineData(3, AllToAll.Hierarchical)]
    public async Task Executors_allocate_nothing_once_slices_are_warm(int slices, AllToAll exchange)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([2, 2], threads: 1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.ConfigureParallelismAsync(ParallelismChoice.Sliced(slices) with { Exchange = exchange }, cancellationToken: Cancellation);
        List<long> allocated = [];
        while (allocated.Count < 64 && !(allocated.Count >= 16 && allocated[^8..].Sum() == 0))
        {
            allocated.Add((await model.TrainStepAsync(TrainingRuns.Batch(Run, Math.Min(allocated.Count + 1, 3)), Cancellation)).ExecutorAllocatedBytes);
        }

        Assert.True(allocated[^8..].Sum() == 0, $"Bytes by step: {string.Join(", ", allocated)}.");
    }

    [Fact]
    public async Task What_cannot_be_is_refused_by_name_and_nothing_has_changed()
    {
        Assert.Contains("r = 2 adds up partial outputs in another order", await RefusalAsync(Run with { Reproducible = true }, ParallelismChoice.Sliced(2)), StringComparison.Ordinal);
        Assert.Contains("r = 5 needs as many workers; there are 4.", await RefusalAsync(Run, ParallelismChoice.Sliced(5)), StringComparison.Ordinal);
        Assert.Contains("r = 23 is more than the 22 hidden units", await RefusalAsync(Run, ParallelismChoice.Sliced(23)), StringComparison.Ordinal);
        Assert.Contains("for the simulator", await RefusalAsync(Run, ParallelismChoice.ExpertParallel with { Overlap = 2 }), StringComparison.Ordinal);
        ModelKinds kinds = ModelKinds.BuiltIn.With([new NamedExpert("whole", "a")], []);
        Assert.StartsWith(
            "Experts 'whole' cannot be cut into 2 slices", EngineChoices.Refusal(ParallelismChoice.Sliced(2), (Run with { Model = Run.Model with { Expert = "whole" } }).Using(kinds)), StringComparison.Ordinal);
        Assert.Contains("copies go with r = 1", await RefusalAsync(Run, ParallelismChoice.Sliced(2) with { Copies = true }), StringComparison.Ordinal);
    }

    private static void Near(StepOutcome expected, StepOutcome found, double tolerance)
    {
        Assert.Equal(expected.Loss, found.Loss, tolerance * expected.Loss);
        Assert.Equal(expected.GradientNorm, found.GradientNorm, tolerance * expected.GradientNorm);
    }

    private async Task<string> RefusalAsync(RunConfiguration run, ParallelismChoice choice)
    {
        MoEModel model = await CreateAsync(run);
        InvalidRequestException refused = await Assert.ThrowsAsync<InvalidRequestException>(() => model.ConfigureParallelismAsync(choice, 0, Cancellation));
        Assert.Empty((await model.GetStatusAsync(Cancellation)).Parallelism);
        return refused.Message;
    }

    private Task<MoEModel> CreateAsync(RunConfiguration run) => _cluster.Client.CreateModelAsync(_cluster[$"m{_models++}"], run, null, Cancellation);
}
