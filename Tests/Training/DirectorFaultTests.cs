using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;

namespace MoEActors.Tests.Training;

/// <summary>
/// Whatever fails of a change of placement, and whenever: the old epoch goes on or the new one comes whole, nothing is lost, no bit of what is
/// learnt changes, and the director tries again.
/// </summary>
public sealed class DirectorFaultTests
{
    private const int Silos = 3;
    private const int Steps = 40;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // One shard lands with each step: three calls copy its state, the fourth its gradient.
    [Theory, InlineData(0, 0), InlineData(1, 1), InlineData(2, 2), InlineData(0, 3), InlineData(1, 3), InlineData(2, 5)]
    public async Task A_courier_that_fails_costs_the_plan_and_no_more(int rank, int calls)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        cluster.DataPlane.FailCourierAt(rank, calls, new InvalidOperationException("the wire burned"));
        DirectorStatus status = await AssertUndisturbedAsync(cluster);
        DirectorDecision failed = status.Decisions.First(decision => decision.State == DecisionState.Abandoned);
        Assert.Contains("the wire burned", failed.Failure, StringComparison.Ordinal);
        Assert.Contains("Worker", failed.Failure, StringComparison.Ordinal);
        Assert.Contains(status.Decisions, decision => decision.State == DecisionState.Applied);
    }

    [Theory]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), 1, 1)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), 2, 1)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), 1, Silos)]
    [InlineData(nameof(IWorkerHostService.InstallMapAsync), 4, 1)]
    [InlineData(nameof(IWorkerHostService.InstallMapAsync), 5, 2)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), 1, Silos, Loss.Reply)]
    [InlineData(nameof(IWorkerHostService.InstallMapAsync), 4, 2, Loss.Reply)]
    public async Task A_decision_that_some_or_all_do_not_hear_is_made_up_for(string method, int first, int count, Loss loss = Loss.Rejected)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        DirectorStatus status = await AssertUndisturbedAsync(cluster, () => cluster.Calls.Lose(
            call => call.MethodName == method && (method != nameof(IWorkerHostService.SubmitAsync) || TrainingCalls.OrderOf(call) is CommitCommand { Adopt: > 0 }),
            loss,
            [.. Enumerable.Range(first, count)]));
        Assert.True(cluster.Calls.Meant >= first + count, $"{cluster.Calls.Meant} such messages were sent.");
        Assert.Contains(status.Decisions, decision => decision.State == DecisionState.Applied);
    }

    [Fact]
    public async Task A_step_that_fails_takes_its_change_of_placement_with_it()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        DirectorStatus status = await AssertUndisturbedAsync(
            cluster, () => cluster.Calls.Lose(call => TrainingCalls.OrderOf(call) is PrepareCommand { Change: not null }, 2));
        Assert.Contains(status.Decisions, decision => decision is { State: DecisionState.Abandoned, Failure: not null });
        Assert.Contains(status.Decisions, decision => decision.State == DecisionState.Applied);
    }

    [Fact]
    public async Task A_coordinator_that_goes_as_its_decision_is_told_is_followed_by_one_that_goes_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        int seen = 0;
        DirectorStatus status = await AssertUndisturbedAsync(cluster, () => cluster.Calls.Before = call =>
        {
            if (TrainingCalls.OrderOf(call) is CommitCommand { Adopt: > 0 } && Interlocked.Increment(ref seen) == 2)
            {
                CoordinatorLifeTests.DeactivateNext(cluster);
                throw new SiloUnavailableException("A test lost this message.");
            }
        });
        Assert.True((await cluster.Client.OpenModelAsync(cluster["m"], Cancellation)).Step > 0);
        Assert.Contains(status.Decisions, decision => decision.State == DecisionState.Applied);
    }

    [Fact]
    public async Task A_proposal_that_gets_lost_is_given_up_and_the_next_one_taken()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        DirectorStatus status = await AssertUndisturbedAsync(
            cluster, () => cluster.Calls.Lose(call => call.MethodName == nameof(ITrainingProtocol.ProposeAsync), 1));
        Assert.Equal(DecisionState.Abandoned, status.Decisions[0].State);
        Assert.Contains("has lost the plan", status.Decisions[0].Failure, StringComparison.Ordinal);
        Assert.Contains(status.Decisions, decision => decision.State == DecisionState.Applied);
    }

    [Fact]
    public async Task A_proposal_whose_answer_gets_lost_disturbs_nothing_and_plans_still_land()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        DirectorStatus status = await AssertUndisturbedAsync(
            cluster, () => cluster.Calls.Lose(call => call.MethodName == nameof(ITrainingProtocol.ProposeAsync), Loss.Reply, 1));
        Assert.Contains(status.Decisions, decision => decision.State == DecisionState.Applied);
    }

    [Fact]
    public async Task A_director_that_begins_anew_again_and_again_keeps_its_decisions_and_goes_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        int seen = 0;
        DirectorStatus status = await AssertUndisturbedAsync(cluster, () => cluster.Calls.Before = call =>
        {
            if (call.Grain is IDirectorGrain and IGrainBase director && Interlocked.Increment(ref seen) % 5 == 0)
            {
                director.DeactivateOnIdle();
            }
        });
        Assert.Equal(Enumerable.Range(1, status.Decisions.Length).Select(number => (long)number), status.Decisions.Select(decision => decision.Number));
        Assert.Contains(status.Decisions, decision => decision is { State: DecisionState.Applied, ShardsMoved: > 0, BytesMoved: > 0 });
        Assert.True(seen > 10, $"The director was called {seen} times.");
    }

    /// <summary>Trains with the director from a crowded placement while something goes wrong, and compares with a run that nothing happens to.</summary>
    private static async Task<DirectorStatus> AssertUndisturbedAsync(TrainingCluster cluster, Action? disturb = null)
    {
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(
            cluster["m"], Run, new PlacementRequest { Ranks = Placements.Singles([new int[5], [], new int[7]]) }, Cancellation);
        await model.SetDirectorAsync(
            new DirectorSettings { Every = 1, CoolDownSteps = 0, HorizonSteps = 1_000_000, BytesPerStep = 1 }, Cancellation);
        disturb?.Invoke();
        List<double> losses = [];
        while (losses.Count < Steps)
        {
            try
            {
                losses.Add((await model.TrainStepAsync(TrainingRuns.Batch(Run, losses.Count + 1), Cancellation)).Loss);
            }
            catch (ViewFailedException)
            {
                // The step was not applied: it is tried again.
            }
        }

        cluster.Calls.Reset();
        Assert.Equal(expected.Losses, losses);
        Assert.Equal(expected.Fingerprint, await model.FingerprintAsync(Cancellation));
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        for (int silo = 0; silo < Silos; silo++)
        {
            Assert.Equal(
                map.Shards.Where(shard => map.RankOf(map.WorkerOf(shard)) == silo).Select(shard => shard.ExpertId.ToString()).Order(),
                cluster.Host(silo).ShardsOf(cluster["m"]).Select(expert => expert.ToString()).Order());
        }

        // A director that has begun anew with the last of them has seen no step yet.
        await model.TrainStepAsync(TrainingRuns.Batch(Run, Steps + 1), Cancellation);
        return await DirectorTests.SettledAsync(model);
    }
}
