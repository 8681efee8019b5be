using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;

namespace MoEActors.Tests.Training;

/// <summary>What fails says so at once, names who and why, and leaves the model as it was.</summary>
public sealed class FailureTests
{
    private const int Steps = 4;

    /// <summary>Far below the deadline of the data plane.</summary>
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(15);

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // A step of 8 micro-batches on 3 workers has 3 rounds of 2 layers × (1 gather + 4 exchanges) + 1 reduction, then 2 collectives.
    [Theory, InlineData(0, 0), InlineData(1, 3), InlineData(2, 12), InlineData(0, 33), InlineData(1, 34)]
    public async Task A_worker_that_throws_is_named_and_the_next_step_works(int rank, int calls)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2]);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        ulong before = await model.FingerprintAsync(Cancellation);
        string worker = (await model.GetStatusAsync(Cancellation)).Map!.Workers[rank].ToString();

        cluster.DataPlane.FailAt(rank, calls, new InvalidOperationException("the device burned"));
        long started = Stopwatch.GetTimestamp();
        ViewFailedException failed =
            await Assert.ThrowsAsync<ViewFailedException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation));

        Assert.True(Stopwatch.GetElapsedTime(started) < Quick, $"It took {Stopwatch.GetElapsedTime(started)}.");
        Assert.Contains(worker, failed.Message, StringComparison.Ordinal);
        Assert.Contains("the device burned", failed.Message, StringComparison.Ordinal);
        Assert.Equal(before, await model.FingerprintAsync(Cancellation));
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).View);
        TrainingTrace rest = await TrainingTrace.OfAsync(model, Steps - 1);
        (expected with { Losses = expected.Losses[1..], Norms = expected.Norms[1..] }).AssertSame(rest, "after a failure");
    }

    [Fact]
    public async Task A_member_that_dies_before_the_first_step_can_be_left_out()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        MoEModel open = await cluster.Client.CreateModelAsync(cluster["open"], Run, null, Cancellation);
        await cluster.KillAsync(cluster.Silos.Silos[1]);

        await open.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, new PlacementRequest { Silos = ["silo-0"] }, Cancellation);
        MoEModel other = await cluster.Client.CreateModelAsync(cluster["other"], Run, null, Cancellation);
        (await TrainingTrace.OfAsync(other, 2)).AssertSame(await TrainingTrace.OfAsync(model, 2), "on the survivor");
    }

    [Theory, InlineData(Loss.Rejected), InlineData(Loss.Request), InlineData(Loss.Reply)]
    public async Task A_commit_that_a_host_does_not_hear_or_answer_is_made_up_for(Loss loss)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        cluster.Calls.Lose(call => TrainingCalls.OrderOf(call) is CommitCommand, loss, 2, 9);

        // One step at a time: no other takes the commit along.
        List<TrainingTrace> steps = [];
        while (steps.Count < Steps)
        {
            steps.Add(await TrainingTrace.OfAsync(model, 1));
        }

        expected.AssertSame(
            new TrainingTrace([.. steps.SelectMany(step => step.Losses)], [.. steps.SelectMany(step => step.Norms)], steps[^1].Fingerprint), "with lost commits");

        // One that was heard and not answered need not be sent again.
        Assert.True(cluster.Calls.Meant >= 3 * Steps + (loss == Loss.Reply ? 0 : 1), $"{cluster.Calls.Meant} commits were sent.");
        Assert.Equal(1, (await model.GetStatusAsync(Cancellation)).View);
    }

    [Theory, InlineData(Loss.Rejected), InlineData(Loss.Request), InlineData(Loss.Reply)]
    public async Task A_commit_that_is_lost_with_the_next_step_is_made_up_for_and_so_is_that_step(Loss loss)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        cluster.Calls.Clear();
        cluster.Calls.Lose(call => TrainingCalls.OrdersOf(call) is [CommitCommand, PrepareCommand], loss, 2);

        // The second step is queued while the first one runs, and not before: calls may overtake each other.
        Task held = cluster.DataPlane.HoldAt(rank: 0, calls: 5);
        IEnumerable<IReadOnlyList<MicroBatch>> Batches()
        {
            yield return TrainingRuns.Batch(Run, 1);
            held.Wait(Cancellation);
            yield return TrainingRuns.Batch(Run, 2);
        }

        await using IAsyncEnumerator<StepOutcome> both = model.TrainAsync(Batches(), Cancellation).GetAsyncEnumerator(Cancellation);
        Task<bool> first = Task.Run(async () => await both.MoveNextAsync(), Cancellation);
        while (cluster.Calls.Of(nameof(ITrainingGrain.SubmitStepAsync)) < 2)
        {
            await Task.Delay(1, Cancellation);
        }

        await model.GetStatusAsync(Cancellation);
        cluster.DataPlane.Release();
        Assert.True(await first);
        StepOutcome one = both.Current;
        Assert.True(await both.MoveNextAsync());
        StepOutcome two = both.Current;
        Assert.False(await both.MoveNextAsync());

        TrainingTrace rest = await TrainingTrace.OfAsync(model, Steps - 2);
        expected.AssertSame(
            new TrainingTrace([one.Loss, two.Loss, .. rest.Losses], [one.GradientNorm, two.GradientNorm, .. rest.Norms], rest.Fingerprint), "after the loss");
        Assert.True(cluster.Calls.Meant >= 3, $"{cluster.Calls.Meant} commits went with a step.");
    }

    [Theory, InlineData(Loss.Rejected), InlineData(Loss.Request), InlineData(Loss.Reply)]
    public async Task A_step_that_one_host_does_not_hear_of_or_answer_is_done_again_at_once(Loss loss)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        cluster.Calls.Lose(call => TrainingCalls.OrderOf(call) is PrepareCommand, loss, 2);
        long started = Stopwatch.GetTimestamp();
        expected.AssertSame(await TrainingTrace.OfAsync(model, Steps), "after a lost order");
        Assert.True(Stopwatch.GetElapsedTime(started) < Quick, $"It took {Stopwatch.GetElapsedTime(started)}.");
    }

    [Theory, InlineData(Loss.Request), InlineData(Loss.Reply)]
    public async Task A_step_whose_sending_is_not_answered_is_sent_again_and_learnt_once(Loss loss)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        cluster.Calls.Lose(call => call.MethodName == nameof(ITrainingGrain.SubmitStepAsync), loss, 1, 3);

        expected.AssertSame(await TrainingTrace.OfAsync(model, Steps), "with steps that were sent twice");
        Assert.True(cluster.Calls.Meant >= Steps + 2, $"{cluster.Calls.Meant} steps were sent.");
        Assert.Equal(Steps, (await model.GetStatusAsync(Cancellation)).Step);
    }

    [Theory, InlineData(Loss.Rejected), InlineData(Loss.Request)]
    public async Task A_view_is_opened_again_when_a_grain_of_it_cannot_be_reached(Loss loss)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        cluster.Calls.Lose(call => call.Grain is IExpertGrain && call.MethodName == nameof(IExpertGrain.GetStatusAsync), loss, 1);

        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);

        Assert.True(cluster.Calls.Meant > 1, "No grain was asked again.");
        expected.AssertSame(await TrainingTrace.OfAsync(model, Steps), "in the view that was opened again");
    }

    /// <summary>Over a connection that Orleans leaves open to a silo that hangs, such a call would wait.</summary>
    [Fact]
    public async Task A_host_that_has_been_declared_dead_is_not_called()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        EmbeddedSilo dead = cluster.Silos.Silos[1];
        var hosts = cluster.Silos.Silos[0].Services.GetRequiredService<IWorkerHostClient>();
        Assert.Equal(0, await hosts.On(dead.Address).GetTermAsync(cluster["m"]));
        await cluster.KillAsync(dead);
        Assert.Throws<SiloUnavailableException>(() => hosts.On(dead.Address));
    }

    [Fact]
    public async Task A_roll_call_does_not_wait_for_a_long_step()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        Task held = cluster.DataPlane.HoldAt(rank: 0, calls: 5);
        Task<StepOutcome> step = model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        await held;
        Assert.True((await cluster.Host(1).GetInventoryAsync(cluster["m"], term: 1)).Busy);
        cluster.DataPlane.Release();
        await step;
        Assert.False((await cluster.Host(1).GetInventoryAsync(cluster["m"], term: 1)).Busy);
    }

    [Fact]
    public async Task A_cancelled_call_ends_at_once_and_its_step_goes_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        Task held = cluster.DataPlane.HoldAt(rank: 0, calls: 20);
        using var cancelled = new CancellationTokenSource();
        Task<StepOutcome> step = model.TrainStepAsync(TrainingRuns.Batch(Run, 1), cancelled.Token);
        await held;
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => step);
        Assert.Equal(0, model.Step);
        cluster.DataPlane.Release();

        StepOutcome outcome = await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        Assert.Equal(1, outcome.Step);
        Assert.Equal(1, (await model.GetStatusAsync(Cancellation)).Step);
        MoEModel other = await cluster.Client.CreateModelAsync(cluster["other"], Run, null, Cancellation);
        await other.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        Assert.Equal(await other.FingerprintAsync(Cancellation), await model.FingerprintAsync(Cancellation));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => model.FingerprintAsync(new CancellationToken(canceled: true)));
    }
}
