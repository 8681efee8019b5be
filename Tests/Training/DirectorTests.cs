using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>The director follows the load while training goes on, and changes no bit of what is learnt.</summary>
public sealed class DirectorTests
{
    private const int Steps = 40;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    /// <summary>Everything on the first of three workers.</summary>
    private static readonly PlacementRequest Crowded = new() { Ranks = Placements.Singles([new int[5], [], new int[7]]) };

    /// <summary>A director that acts on little.</summary>
    private static readonly DirectorSettings Eager = new() { Every = 1, CoolDownSteps = 0, HorizonSteps = 1_000_000 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("incremental", 1L << 30)]
    [InlineData("repack", 1)]
    public async Task The_load_is_levelled_and_no_bit_changes(string policy, long bytesPerStep)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, Crowded, Cancellation);
        await model.SetDirectorAsync(Eager with { Policy = policy, BytesPerStep = bytesPerStep }, Cancellation);
        expected.AssertSame(await TrainingTrace.OfAsync(model, Steps), "with the director");

        DirectorStatus status = await SettledAsync(model);
        DirectorDecision first = status.Decisions[0];
        Assert.Equal(DecisionState.Applied, first.State);
        Assert.Null(first.Failure);
        Assert.Equal(first.Layers.Sum(layer => layer.Arrivals.Length), first.ShardsMoved);
        Assert.All(first.Layers, layer =>
        {
            Assert.Equal(3, layer.RatioBefore, precision: 3);
            Assert.InRange(layer.PredictedRatio, 1, 2);
            Assert.NotNull(layer.MeasuredRatio);
            Assert.InRange(layer.MeasuredRatio.Value, 1, 2.5);
            Assert.True(layer.MeasuredSecondsBefore > 0);
            Assert.True(layer.MeasuredSeconds > 0);
        });
        Assert.NotNull(status.PredictionError);
        Assert.All([0, 2], layer => Assert.InRange(status.Ratios[layer], 1, 2.5));
        int[][][] ranks = (await model.GetStatusAsync(Cancellation)).Map!.Ranks();

        // At one shard a step the last plan may be half-way, and leave a worker empty for a moment.
        int workers = bytesPerStep == 1 ? 2 : 3;
        Assert.All([0, 2], layer => Assert.InRange(ranks[layer].SelectMany(replicas => replicas).Distinct().Count(), workers, 3));
    }

    [Fact]
    public async Task A_director_that_is_switched_off_moves_nothing()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, Crowded, Cancellation);
        await model.SetDirectorAsync(Eager, Cancellation);
        await model.SetDirectorAsync(null, Cancellation);
        await TrainingTrace.OfAsync(model, 5);
        Assert.Empty((await model.GetDirectorAsync(Cancellation)).Decisions);
        Assert.Equal(1, (await model.GetStatusAsync(Cancellation)).View);
    }

    [Fact]
    public async Task A_director_that_is_paused_watches_and_plans_when_it_is_resumed()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, Crowded, Cancellation);
        await model.SetDirectorAsync(Eager with { Paused = true }, Cancellation);
        await TrainingTrace.OfAsync(model, 5);
        DirectorStatus paused = await SettledAsync(model);
        Assert.Empty(paused.Decisions);
        Assert.Equal(2, paused.Ratios[0], precision: 3);
        await model.SetDirectorAsync(Eager, Cancellation);
        await TrainingTrace.OfAsync(model, 5);
        Assert.NotEmpty((await SettledAsync(model)).Decisions);
    }

    [Fact]
    public async Task Settings_that_cannot_work_are_refused()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        InvalidRequestException unknown = await Assert.ThrowsAsync<InvalidRequestException>(
            () => model.SetDirectorAsync(new DirectorSettings { Policy = "best" }, Cancellation));
        Assert.Contains("incremental", unknown.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidRequestException>(() => model.SetDirectorAsync(new DirectorSettings { Every = 0 }, Cancellation));
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
    }

    /// <summary>Loads and conclusions travel one way: the last ones may still be on theirs.</summary>
    internal static async Task<DirectorStatus> SettledAsync(MoEModel model)
    {
        DirectorStatus status = null!;
        await Deadline.UntilAsync(
            async () => (status = await model.GetDirectorAsync(Cancellation)).Step >= model.Step, $"the director hears of step {model.Step}");
        return status;
    }
}
