using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Models are listed, deleted, and their names used again.</summary>
public class ModelDeletionTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deleted_model_leaves_nothing_behind_and_its_name_is_free_for_any_other()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        Assert.Empty(await ListAsync(cluster));
        long before = Allocated(cluster);
        ulong[] hashes = new ulong[2];
        foreach (int time in new[] { 0, 1 })
        {
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, cancellationToken: Cancellation);
            await model.SetDirectorAsync(new DirectorSettings(), Cancellation);
            await TrainAsync(model, 3);
            hashes[time] = await model.FingerprintAsync(Cancellation);
            Assert.Equal([new ModelSummary(cluster["m"], 3, IsLayer: false)], await ListAsync(cluster));
            Assert.True(Allocated(cluster) > before);

            Assert.True(await cluster.Client.DeleteModelAsync(cluster["m"], Cancellation));
            Assert.Empty(await ListAsync(cluster));
            Assert.Equal(before, Allocated(cluster));
            Assert.Null(await cluster.Store.ReadAsync(cluster["m"]));
            Assert.Null(await cluster.Store.ReadBatchAsync(cluster["m"], 3));
            Assert.Empty(await cluster.Store.ReadDecisionsAsync(cluster["m"]));
            Assert.All(Enumerable.Range(0, 3), silo => Assert.Null(cluster.Maps(silo).MapOf(cluster["m"])));
            await Assert.ThrowsAsync<ModelNotFoundException>(() => model.GetStatusAsync(Cancellation));
            await Assert.ThrowsAsync<ModelNotFoundException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 4), Cancellation));
            Assert.False(await cluster.Client.DeleteModelAsync(cluster["m"], Cancellation));
        }

        Assert.Equal(hashes[0], hashes[1]);
        RunConfiguration other = Run with { Model = Run.Model with { Experts = [3, 3], Seed = 9 } };
        MoEModel third = await cluster.Client.CreateModelAsync(cluster["m"], other, cancellationToken: Cancellation);
        await TrainAsync(third, 2);
        Assert.Equal(2, third.Step);
    }

    [Fact]
    public async Task A_model_that_trains_ends_after_the_steps_that_were_submitted_and_others_go_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel doomed = await cluster.Client.CreateModelAsync(cluster["doomed"], Run, cancellationToken: Cancellation);
        MoEModel other = await cluster.Client.CreateModelAsync(cluster["other"], Run, cancellationToken: Cancellation);
        Task<bool>? deletion = null;
        List<long> steps = [];
        MoEException gone = await Assert.ThrowsAnyAsync<MoEException>(async () =>
        {
            await foreach (StepOutcome step in doomed.TrainAsync(TrainingRuns.Batches(Run, 1000), Cancellation))
            {
                steps.Add(step.Step);
                deletion ??= step.Step == 3 ? cluster.Client.DeleteModelAsync(cluster["doomed"], Cancellation) : null;
            }
        });
        Assert.True(gone is InvalidRequestException or ModelNotFoundException, $"It is being deleted or is gone, not: {gone}");
        Assert.Contains("doomed", gone.Message, StringComparison.Ordinal);
        Assert.True(await deletion!);
        Assert.InRange(steps.Count, 3, 999);
        Assert.Equal(Enumerable.Range(1, steps.Count).Select(step => (long)step), steps);
        await TrainAsync(other, 2);
        Assert.Equal(cluster["other"], Assert.Single(await ListAsync(cluster)).Name);
    }

    [Fact]
    public async Task Layers_and_models_of_new_coordinators_are_listed_and_deleted_too()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        long before = Allocated(cluster);
        await cluster.Client.CreateLayerAsync(cluster["b-layer"], new LayerConfiguration { Dim = 8, Hidden = 8, Experts = 4 }, cancellationToken: Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["a-model"], Run, cancellationToken: Cancellation);
        await TrainAsync(model, 1);
        Assert.Equal(
            [new ModelSummary(cluster["a-model"], 1, IsLayer: false), new ModelSummary(cluster["b-layer"], 0, IsLayer: true)], await ListAsync(cluster));

        // Another coordinator, in a term of its own, knows no more than the store and the hosts.
        CoordinatorLifeTests.DeactivateNext(cluster);
        await model.GetStatusAsync(Cancellation);
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).Term);
        Assert.True(await cluster.Client.DeleteModelAsync(cluster["a-model"], Cancellation));
        Assert.True(await cluster.Client.DeleteModelAsync(cluster["b-layer"], Cancellation));
        Assert.Empty(await ListAsync(cluster));
        Assert.Equal(before, Allocated(cluster));
        await cluster.Client.CreateModelAsync(cluster["b-layer"], Run, cancellationToken: Cancellation);
    }

    [Fact]
    public async Task A_deletion_whose_coordinator_goes_is_carried_out_by_the_next()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        long before = Allocated(cluster);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, cancellationToken: Cancellation);
        await TrainAsync(model, 2);
        CoordinatorLifeTests.DeactivateNext(cluster);
        await cluster.Client.DeleteModelAsync(cluster["m"], Cancellation);
        Assert.Empty(await ListAsync(cluster));
        Assert.Equal(before, Allocated(cluster));
        MoEModel anew = await cluster.Client.CreateModelAsync(cluster["m"], Run, cancellationToken: Cancellation);
        await TrainAsync(anew, 1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    public async Task A_name_that_no_model_can_have_is_refused(string name)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        await Assert.ThrowsAsync<InvalidRequestException>(() => cluster.Client.DeleteModelAsync(name, Cancellation));
    }

    /// <summary>The models of this test: earlier ones have left theirs.</summary>
    private static async Task<IEnumerable<ModelSummary>> ListAsync(TrainingCluster cluster) =>
        (await cluster.Client.ListModelsAsync(Cancellation)).Where(model => model.Name.EndsWith($"-{cluster.Lease}", StringComparison.Ordinal));

    private static long Allocated(TrainingCluster cluster) => cluster.Silos.Silos.Sum(silo => cluster.Host(silo.Index).AllocatedBytes);

    private static async Task TrainAsync(MoEModel model, int steps)
    {
        foreach (IReadOnlyList<MicroBatch> batch in TrainingRuns.Batches(model.Run, steps))
        {
            await model.TrainStepAsync(batch, Cancellation);
        }
    }
}
