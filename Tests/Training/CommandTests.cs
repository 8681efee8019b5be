using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Training;

/// <summary>A worker host refuses what is old and does what is new once, however often it is told.</summary>
public sealed class CommandTests
{
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(20);

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_refuses_an_old_term_an_old_view_and_an_old_step()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await TrainedAsync(cluster, 3);
        ManualCoordinator coordinator = await ManualCoordinator.TakeAsync(cluster, cluster["m"]);
        WorkerHost host = cluster.Host(1);

        await Assert.ThrowsAsync<CommandRefusedException>(() => host.GetInventoryAsync(cluster["m"], coordinator.Term - 1));
        await Assert.ThrowsAsync<CommandRefusedException>(() => host.PollAsync(cluster["m"], coordinator.Term - 1, 1, Slice));
        Assert.Throws<CommandRefusedException>(() => host.Submit(coordinator.Head(1, term: coordinator.Term - 1), new FingerprintCommand()));
        host.Submit(coordinator.Head(1, view: 5), new FingerprintCommand());
        Assert.Throws<CommandRefusedException>(() => host.Submit(coordinator.Head(2), new FingerprintCommand()));
        await Assert.ThrowsAsync<CommandRefusedException>(() => host.PollAsync(cluster["m"], coordinator.Term, 2, Slice));

        // The other host has seen no such epoch; steps that it has prepared or committed are old there.
        WorkerHost other = cluster.Host(0);
        other.Submit(coordinator.Head(7), new FingerprintCommand());
        Assert.Throws<CommandRefusedException>(() => other.Submit(coordinator.Head(6), new FingerprintCommand()));
        Assert.Throws<CommandRefusedException>(() => other.Submit(coordinator.Head(8), coordinator.Prepare(3, other)));
        Assert.Throws<CommandRefusedException>(() => other.Submit(coordinator.Head(8), coordinator.Prepare(1, other)));
        Assert.Throws<CommandRefusedException>(() => other.Submit(coordinator.Head(8), new CommitCommand(2)));
        Assert.Equal(3, (await other.GetInventoryAsync(cluster["m"], coordinator.Term)).Version);
        Assert.Equal(3, model.Step);
    }

    [Fact]
    public async Task An_order_that_arrives_twice_runs_once()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 6);
        MoEModel model = await TrainedAsync(cluster, 3);
        ManualCoordinator coordinator = await ManualCoordinator.TakeAsync(cluster, cluster["m"]);
        for (int time = 0; time < 2; time++)
        {
            await coordinator.EverywhereAsync(1, host => coordinator.Prepare(4, host));
        }

        await coordinator.DecideAsync(4);
        for (long number = 2; number < 4; number++)
        {
            for (int time = 0; time < 2; time++)
            {
                await coordinator.EverywhereAsync(number, _ => new CommitCommand(4));
            }
        }

        // The client's own submission of that step finds it done.
        Assert.Equal(4, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 4), Cancellation)).Step);
        AssertEnds(expected, await TrainingTrace.OfAsync(model, 2));
        Assert.Equal(coordinator.Term + 1, (await model.GetStatusAsync(Cancellation)).Term);
    }

    [Theory, InlineData(), InlineData(0), InlineData(1), InlineData(0, 1)]
    public async Task A_step_that_was_decided_is_committed_by_the_next_coordinator_wherever_it_was_not(params int[] committed)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 6);
        MoEModel model = await TrainedAsync(cluster, 3);
        ManualCoordinator coordinator = await ManualCoordinator.TakeAsync(cluster, cluster["m"]);
        await coordinator.EverywhereAsync(1, host => coordinator.Prepare(4, host));
        await coordinator.DecideAsync(4);
        foreach (int silo in committed)
        {
            cluster.Host(silo).Submit(coordinator.Head(2), new CommitCommand(4));
        }

        Assert.Equal(4, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 4), Cancellation)).Step);
        AssertEnds(expected, await TrainingTrace.OfAsync(model, 2));
    }

    [Fact]
    public async Task A_step_that_was_prepared_and_never_decided_is_run_again()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 6);
        MoEModel model = await TrainedAsync(cluster, 3);
        ManualCoordinator coordinator = await ManualCoordinator.TakeAsync(cluster, cluster["m"]);
        await coordinator.EverywhereAsync(1, host => coordinator.Prepare(4, host));

        AssertEnds(expected, await TrainingTrace.OfAsync(model, 3));
    }

    [Fact]
    public async Task A_step_that_is_submitted_again_is_not_run_again()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await TrainedAsync(cluster, 2);
        ulong before = await model.FingerprintAsync(Cancellation);
        MoEModel late = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        var grain = cluster.Silos.Client.GetGrain<Grains.Interfaces.Training.ITrainingGrain>(cluster["m"]);
        var request = new Grains.Interfaces.Training.StepRequest(2, [.. TrainingRuns.Batch(Run, 2)]);

        Assert.NotNull(await grain.WaitAsync(await grain.SubmitStepAsync(request), Slice));
        Assert.Equal(before, await late.FingerprintAsync(Cancellation));
        var beyond = new Grains.Interfaces.Training.StepRequest(4, request.Batches);
        await Assert.ThrowsAsync<StaleCommandException>(() => grain.SubmitStepAsync(beyond));
        Assert.Equal(2, late.Step);
    }

    [Fact]
    public async Task Another_coordinator_that_writes_at_the_same_moment_ends_the_first_ones_term()
    {
        var store = new Grains.Durability.InMemoryRunStore();
        CoordinatorTerm first = await CoordinatorTerm.BeginAsync(store, "m", new Grains.Durability.RunRecord { Configuration = Run });
        CoordinatorTerm? second = await CoordinatorTerm.TakeAsync(store, "m", () => Task.FromResult(0L), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<StaleCommandException>(() => first.WriteAsync(first.Record with { Step = 1 }));
        await second!.WriteAsync(second.Record with { Step = 1 });
        await Assert.ThrowsAsync<StaleCommandException>(() => CoordinatorTerm.BeginAsync(store, "m", new Grains.Durability.RunRecord { Configuration = Run }));
        Assert.Equal((2L, 1L), (second.Number, second.Record.Step));
        Assert.Null(await CoordinatorTerm.TakeAsync(store, "nobody", () => Task.FromResult(0L), TestContext.Current.CancellationToken));
    }

    private static async Task<MoEModel> TrainedAsync(TrainingCluster cluster, int steps)
    {
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, steps);
        return model;
    }

    private static void AssertEnds(TrainingTrace expected, TrainingTrace actual)
    {
        int count = actual.Losses.Length;
        (expected with { Losses = expected.Losses[^count..], Norms = expected.Norms[^count..] }).AssertSame(actual, "after another coordinator");
    }
}
