using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Operations;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Experts that move between steps, optimizer state and all, change nothing of what is learnt.</summary>
public sealed class MoveTests : IAsyncLifetime
{
    private const int Silos = 4;
    private static readonly RunConfiguration Run = TrainingRuns.With("swiglu", new GateOptions { TopK = 2 });

    private TrainingCluster _cluster = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await TrainingCluster.RentAsync(Silos);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [InlineData(30, 20)]
    [InlineData(80, 200)]
    public async Task Random_moves_change_no_bit_and_leak_nothing(int steps, int moves)
    {
        MoEModel still = await _cluster.Client.CreateModelAsync(_cluster[$"still-{steps}"], Run, null, Cancellation);
        TrainingTrace expected = await TrainingTrace.OfAsync(still, steps);
        long before = AllocatedBytes();
        MoEModel moving = await _cluster.Client.CreateModelAsync(_cluster[$"moving-{steps}"], Run, null, Cancellation);
        long opened = AllocatedBytes() - before;
        var losses = new List<double>();
        int moved = 0;
        for (int step = 1; step <= steps; step++)
        {
            for (; moved < moves * step / steps; moved++)
            {
                await MoveAsync(moving, (ulong)moved);
            }

            losses.Add((await moving.TrainStepAsync(TrainingRuns.Batch(Run, step), Cancellation)).Loss);
        }

        Assert.Equal(expected.Losses, losses);
        Assert.Equal(expected.Fingerprint, await moving.FingerprintAsync(Cancellation));

        // Every shard is in one place, and the devices hold what they held when the model was opened, arenas apart.
        Assert.Equal(Run.Model.Experts.Sum(), ShardsOf(moving.Name).Length);
        Assert.Equal(ShardsOf(moving.Name).Length, ShardsOf(moving.Name).Distinct().Count());
        await MoveHomeAsync(moving);
        Assert.All((await moving.GetStatusAsync(Cancellation)).Memory, memory => Assert.Equal(0, memory.Leaked));
        long arenas = AllocatedBytes() - before - opened;
        Assert.InRange(arenas, 0, ArenaAllowance);
    }

    [Fact]
    public async Task A_move_takes_the_optimizer_state_along_and_frees_the_source()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        await model.FingerprintAsync(Cancellation); // The commit, which nobody waits for, has been carried out by now.
        TrainingStatus before = await model.GetStatusAsync(Cancellation);
        int from = before.Map!.Ranks()[0][0][0];
        int to = (from + 1) % Silos;
        ParameterBlock source = _cluster.Host(from).ModelAt(_cluster["m"], from)!.Parameters.Shards[new ExpertId(0, 0)];
        float[] moments = [.. source.FirstMoments.AsSpan(), .. source.SecondMoments.AsSpan(), .. source.Values.AsSpan()];

        await model.MoveExpertAsync(0, 0, to, Cancellation);
        ParameterBlock target = _cluster.Host(to).ModelAt(_cluster["m"], to)!.Parameters.Shards[new ExpertId(0, 0)];
        float[] arrived = [.. target.FirstMoments.AsSpan(), .. target.SecondMoments.AsSpan(), .. target.Values.AsSpan()];
        Assert.Equal(moments, arrived);
        TrainingStatus after = await model.GetStatusAsync(Cancellation);
        Assert.Equal((to, before.View + 1), (after.Map!.Ranks()[0][0][0], after.View));

        await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
        Assert.Null(_cluster.Host(from).FindShard(_cluster["m"], after.Map!.Workers[from], new ExpertId(0, 0)));
    }

    [Fact]
    public async Task A_move_that_cannot_be_is_refused_and_the_model_goes_on()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        await Assert.ThrowsAsync<InvalidRequestException>(() => model.MoveExpertAsync(0, 99, 0, Cancellation));
        await Assert.ThrowsAsync<InvalidRequestException>(() => model.MoveExpertAsync(-1, 0, 0, Cancellation));
        await Assert.ThrowsAsync<PlacementRefusedException>(() => model.MoveExpertAsync(0, 0, Silos, Cancellation));
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        await model.MoveExpertAsync(0, 0, status.Map!.Ranks()[0][0][0], Cancellation);
        Assert.Equal(status.View, (await model.GetStatusAsync(Cancellation)).View);
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
    }

    /// <summary>Arenas grow to what the busiest round of a run needs; a leak of 500 shards would be far more than this.</summary>
    private const long ArenaAllowance = Silos * (32L << 20);

    private static async Task MoveAsync(MoEModel model, ulong number)
    {
        int[] layers = [.. model.Run.Model.MoELayers];
        int layer = layers[(int)(CounterRandom.Next(1, number) % (ulong)layers.Length)];
        int expert = (int)(CounterRandom.Next(2, number) % (ulong)model.Run.Model.Experts[layer]);
        await model.MoveExpertAsync(layer, expert, (int)(CounterRandom.Next(3, number) % Silos), Cancellation);
    }

    private static async Task MoveHomeAsync(MoEModel model)
    {
        foreach (int layer in model.Run.Model.MoELayers)
        {
            int experts = model.Run.Model.Experts[layer];
            for (int expert = 0; expert < experts; expert++)
            {
                await model.MoveExpertAsync(layer, expert, StaticPlanner.RankOf(expert, experts, Silos), Cancellation);
            }
        }

        await model.FingerprintAsync(Cancellation);
    }

    private ExpertId[] ShardsOf(string model) =>
        [.. Enumerable.Range(0, Silos).SelectMany(silo => _cluster.Host(silo).ShardsOf(model))];

    private long AllocatedBytes() => Enumerable.Range(0, Silos).Sum(silo => _cluster.Host(silo).AllocatedBytes);
}
