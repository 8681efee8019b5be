using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>A run that is stopped leaves nothing on the silos, and goes on, bit for bit, when somebody opens it.</summary>
public sealed class StopTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(20), InlineData(0)]
    public async Task Whoever_trains_a_run_that_is_stopped_is_told_and_whoever_opens_it_goes_on(int snapshots)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(TrainingCluster.DevicesOf(3), snapshots: snapshots);
        await cluster.ClearAsync();
        long before = Allocated(cluster);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        Task<long>? stop = null;
        List<double> losses = [];
        RunStoppedException stopped = await Assert.ThrowsAsync<RunStoppedException>(async () =>
        {
            await foreach (StepOutcome step in model.TrainAsync(TrainingRuns.Batches(Run, 1000), Cancellation))
            {
                losses.Add(step.Loss);
                stop ??= step.Step == 4 ? cluster.Client.StopModelAsync(cluster["m"], Cancellation) : null;
            }
        });

        // What was acknowledged is what it was stopped after, nothing of it is left on the silos, and everybody hears the same.
        Assert.Equal((losses.Count, losses.Count, losses.Count), (stopped.Step, await stop!, model.Step));
        Assert.Contains($"stopped after step {losses.Count}", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(before, Allocated(cluster));
        Assert.Equal([new ModelSummary(cluster["m"], losses.Count, IsLayer: false, IsStopped: true)], await cluster.Client.ListModelsAsync(Cancellation));
        await Assert.ThrowsAsync<RunStoppedException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, model.Step + 1), Cancellation));
        await Assert.ThrowsAsync<RunStoppedException>(() => model.FingerprintAsync(Cancellation));
        await model.RefreshAsync(Cancellation);
        Assert.Equal(losses.Count, await cluster.Client.StopModelAsync(cluster["m"], Cancellation));

        // It comes back on the silos that are there.
        await cluster.KillAsync(cluster.Silos.Silos[1]);
        MoEModel again = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, losses.Count + 2);
        Assert.Equal(expected.Losses[..losses.Count], losses);
        expected.AssertEnd(await TrainingTrace.OfAsync(again, 2), "after a stop");
        Assert.False((await again.GetStatusAsync(Cancellation)).IsStopped);
        await cluster.ClearAsync();
    }

    [Fact]
    public async Task A_run_is_stopped_whose_client_and_coordinator_have_gone_and_whose_answer_is_lost()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 3);
        CoordinatorLifeTests.DeactivateNext(cluster);
        Assert.Equal(3, await cluster.Client.StopModelAsync(cluster["m"], Cancellation));
        RunRecord record = (await cluster.Store.ReadAsync(cluster["m"]))!;
        Assert.Equal((true, 3), (record.IsStopped, record.Snapshots[^1].Step));

        // Its next coordinator leaves it as it is, until it is opened.
        CoordinatorLifeTests.DeactivateNext(cluster);
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        status = await model.GetStatusAsync(Cancellation);
        Assert.Equal((true, 0, 3), (status.IsStopped, status.View, status.Step));
        MoEModel again = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        (await TrainingTrace.UndisturbedAsync(Run, 5)).AssertEnd(await TrainingTrace.OfAsync(again, 2), "under another coordinator");
    }

    [Fact]
    public async Task A_run_that_no_snapshot_can_be_taken_of_is_not_stopped()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 2);
        await File.WriteAllTextAsync(await cluster.SnapshotsAsync(cluster["m"]), "no folder", Cancellation);
        await Assert.ThrowsAsync<CheckpointFailedException>(() => cluster.Client.StopModelAsync(cluster["m"], Cancellation));
        (await TrainingTrace.UndisturbedAsync(Run, 3)).AssertEnd(await TrainingTrace.OfAsync(model, 1), "that could not be stopped");
        await Assert.ThrowsAsync<ModelNotFoundException>(() => cluster.Client.StopModelAsync(cluster["nobody"], Cancellation));
    }

    [Fact]
    public async Task Before_its_first_step_and_without_an_optimizer_there_is_nothing_to_take_a_snapshot_of()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        Assert.Equal(0, await cluster.Client.StopModelAsync(cluster["m"], Cancellation));
        await Assert.ThrowsAsync<RunStoppedException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation));
        MoEModel again = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        (await TrainingTrace.UndisturbedAsync(Run, 2)).AssertSame(await TrainingTrace.OfAsync(again, 2), "from the beginning");
    }

    private static long Allocated(TrainingCluster cluster) => cluster.Silos.Silos.Sum(silo => cluster.Host(silo.Index).AllocatedBytes);
}
