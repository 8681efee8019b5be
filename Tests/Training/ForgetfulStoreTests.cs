using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>A store that comes back without what it had acknowledged: whoever knows better is followed.</summary>
public sealed class ForgetfulStoreTests
{
    private const int Steps = 9;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_store_that_forgets_its_tail_is_told_again_by_the_coordinator_or_by_the_members(bool newCoordinator)
    {
        await using TrainingCluster cluster = await RentAsync();
        ETagStorage storage = cluster.Storage!;
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        await TrainingTrace.OfAsync(model, 2);
        var then = storage.Remember();
        await TrainingTrace.OfAsync(model, 3);
        storage.GoBack(then);
        if (newCoordinator)
        {
            CoordinatorLifeTests.DeactivateNext(cluster);
            await model.GetStatusAsync(Cancellation);
        }

        expected.AssertEnd(await TrainingTrace.OfAsync(model, Steps - 5), "with a store that forgot three steps");
        Assert.Equal(Steps, (await storage.ToRunStore().ReadAsync(cluster["m"]))!.Step);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_store_that_is_away_is_waited_for_whatever_it_is_wanted_for(bool newCoordinator)
    {
        await using TrainingCluster cluster = await RentAsync();
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        await TrainingTrace.OfAsync(model, 2);
        if (newCoordinator)
        {
            CoordinatorLifeTests.DeactivateNext(cluster);
            await model.GetStatusAsync(Cancellation);
        }

        cluster.Storage!.BeAway(times: 6);
        TrainingTrace rest = await TrainingTrace.OfAsync(model, Steps - 2);

        Assert.False(cluster.Storage.IsAway, "The store was not asked.");
        expected.AssertEnd(rest, "with a store that was away");
    }

    [Fact]
    public async Task A_store_that_forgot_a_model_is_not_followed()
    {
        await using TrainingCluster cluster = await RentAsync();
        ETagStorage storage = cluster.Storage!;
        var then = storage.Remember();
        MoEModel model = await CreateAsync(cluster);
        await TrainingTrace.OfAsync(model, 2);
        storage.GoBack(then);
        CoordinatorLifeTests.DeactivateNext(cluster);
        await model.GetStatusAsync(Cancellation);

        InvalidRequestException refused = await Assert.ThrowsAsync<InvalidRequestException>(() => CreateAsync(cluster));
        Assert.Contains("the store has come back without it", refused.Message, StringComparison.Ordinal);
        Assert.True(await cluster.Client.DeleteModelAsync(cluster["m"], Cancellation));
        Assert.Equal(0, (await CreateAsync(cluster)).Step);
    }

    /// <summary>Steps are sent two at a time, and calls may overtake each other: the second may be the one that has the members asked.</summary>
    [Fact]
    public async Task A_step_that_comes_while_the_members_are_asked_for_the_one_behind_it_is_logged()
    {
        await using TrainingCluster cluster = await RentAsync();
        MoEModel model = await CreateAsync(cluster);
        await TrainingTrace.OfAsync(model, 1);
        var then = cluster.Storage!.Remember();
        await TrainingTrace.OfAsync(model, 2);
        cluster.Storage.GoBack(then);
        CoordinatorLifeTests.DeactivateNext(cluster);
        await model.GetStatusAsync(Cancellation);
        ITrainingGrain grain = cluster.Silos.Client.GetGrain<ITrainingGrain>(cluster["m"]);
        await grain.GetStatusAsync();
        using var go = new ManualResetEventSlim();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Calls.Before = call =>
        {
            if (call.MethodName == nameof(IWorkerHostService.GetInventoryAsync))
            {
                asked.TrySetResult();
                go.Wait(Deadline.Patience);
            }
        };
        long fifth = await grain.SubmitStepAsync(new StepRequest(5, [.. TrainingRuns.Batch(Run, 5)]));
        await Deadline.WithinAsync(asked.Task, "a member is asked where it is");
        long fourth = await grain.SubmitStepAsync(new StepRequest(4, [.. TrainingRuns.Batch(Run, 4)]));
        go.Set();

        // The one that came too early is refused, and sent again by whoever has sent it.
        await Assert.ThrowsAsync<StaleCommandException>(() => OutcomeAsync(fifth));
        Assert.Equal(4, Assert.IsType<StepOutcome>(await OutcomeAsync(fourth)).Step);

        async Task<WorkOutcome> OutcomeAsync(long ticket)
        {
            while (true)
            {
                if (await grain.WaitAsync(ticket, TimeSpan.FromSeconds(1)) is { } outcome)
                {
                    return outcome;
                }
            }
        }
    }

    private static Task<TrainingCluster> RentAsync() => TrainingCluster.RentAsync([1, 1], snapshots: 3, inGrainStorage: true);

    private static Task<MoEModel> CreateAsync(TrainingCluster cluster) => cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
}
