using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;

namespace MoEActors.Tests.Training;

/// <summary>A move that fails, wherever it does, loses nothing: training goes on, and the move can be asked for again.</summary>
public sealed class MoveFailureTests
{
    private const int Steps = 4;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), typeof(PlacementChangeCommand), 1)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), typeof(PlacementChangeCommand), 3)]
    [InlineData(nameof(IWorkerHostService.InstallMapAsync), null, 2)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), typeof(CommitCommand), 1)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), typeof(CommitCommand), 3)]
    [InlineData(nameof(IExpertGrain.GetStatusAsync), null, 1)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), typeof(PlacementChangeCommand), 2, Loss.Reply)]
    [InlineData(nameof(IWorkerHostService.InstallMapAsync), null, 1, Loss.Reply)]
    [InlineData(nameof(IWorkerHostService.SubmitAsync), typeof(CommitCommand), 2, Loss.Reply)]
    [InlineData(nameof(IExpertGrain.GetStatusAsync), null, 1, Loss.Reply)]
    public async Task A_message_of_a_move_that_is_lost_costs_the_move_and_no_more(string method, Type? order, int number, Loss loss = Loss.Rejected)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 2 * Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, Steps);
        cluster.Calls.Lose(call => call.MethodName == method && (order is null || order.IsInstanceOfType(TrainingCalls.OrderOf(call))), loss, number);
        await ExpectFailureAsync(() => model.MoveExpertAsync(0, 1, rank: 2, Cancellation), () => cluster.Calls.Meant >= number);
        cluster.Calls.Reset();

        await model.MoveExpertAsync(0, 1, rank: 2, Cancellation);
        await AssertGoesOnAsync(expected, model);
    }

    [Theory, InlineData(0, 0), InlineData(2, 1), InlineData(1, 2)]
    public async Task A_worker_that_throws_while_it_copies_loses_nothing(int rank, int calls)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 2 * Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, Steps);
        cluster.DataPlane.FailAt(rank, calls, new InvalidOperationException("the device burned"));
        long epoch = (await model.GetStatusAsync(Cancellation)).View;
        PlacementChangeFailedException failed =
            await Assert.ThrowsAsync<PlacementChangeFailedException>(() => model.MoveExpertAsync(0, 1, rank: 2, Cancellation));

        Assert.Contains("the device burned", failed.Message, StringComparison.Ordinal);
        Assert.Equal(epoch, (await model.GetStatusAsync(Cancellation)).View);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, Steps + 1), Cancellation);
        await model.MoveExpertAsync(0, 1, rank: 2, Cancellation);
        await AssertGoesOnAsync(expected, model);
    }

    [Fact]
    public async Task Who_opens_the_model_after_an_epoch_has_failed_finds_experts_where_they_were()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        await model.MoveExpertAsync(0, 1, rank: 2, Cancellation);
        cluster.DataPlane.FailAt(rank: 0, calls: 3, new InvalidOperationException("the device burned"));
        await Assert.ThrowsAsync<ViewFailedException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation));

        MoEModel again = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        Assert.Equal(2, (await again.GetStatusAsync(Cancellation)).Map!.Ranks()[0][1].Single());
        Assert.Equal(2, (await again.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation)).Step);
    }

    /// <summary>A message that is lost after the move is done may go unnoticed; any other must be told.</summary>
    private static async Task ExpectFailureAsync(Func<Task> move, Func<bool> lost)
    {
        Exception? told = await Record.ExceptionAsync(move);
        Assert.True(lost(), "The message was never sent.");
        Assert.True(told is null or ViewFailedException, $"{told}");
    }

    private static async Task AssertGoesOnAsync(TrainingTrace expected, MoEModel model)
    {
        int left = 2 * Steps - (int)model.Step;
        TrainingTrace rest = await TrainingTrace.OfAsync(model, left);
        (expected with { Losses = expected.Losses[^left..], Norms = expected.Norms[^left..] }).AssertSame(rest, "after a move that failed");
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.Equal(2, status.Map!.Ranks()[0][1][0]);
    }
}
