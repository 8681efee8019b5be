using Microsoft.Extensions.DependencyInjection;
using MoEActors.Client;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>
/// Two activations of one expert at once, as there may be for a moment when a silo leaves and takes its part of the directory with it, or when a silo
/// still calls where the grain was.
/// </summary>
public sealed class DuplicateActivationTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_one_that_its_shard_has_left_refuses_and_touches_nothing()
    {
        await using TrainingCluster cluster = await RentAsync();
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 6);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        TrainingTrace first = await TrainingTrace.OfAsync(model, 2);
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;

        // One that the coordinator calls from outside: a silo finds its own activations without the directory.
        SiloAddress coordinator = (await cluster.Silos.Client.GetGrain<IManagementGrain>(0)
            .GetActivationAddress(cluster.Silos.Client.GetGrain<ITrainingGrain>(cluster["m"]), Cancellation))!;
        ShardId shard = map.Shards.First(one => map.WorkerOf(one).Silo != coordinator.ToParsableString());
        int from = map.RankOf(map.WorkerOf(shard));
        IExpertGrain[] grains = [.. cluster.Silos.Silos.Select(silo =>
            silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IExpertGrain>(GrainKeys.Expert(cluster["m"], shard)))];
        string home = (await grains[from].GetStatusAsync()).Silo;

        // The directory forgets the first; the shard goes to the other silo, and a second begins there.
        await ForgetfulDirectory.ForgetAsync(cluster.Silos, grains[0].GetGrainId());
        await model.MoveExpertAsync(shard.Layer, shard.Expert, 1 - from, Cancellation);
        Assert.Equal(2, await ForgetfulDirectory.ActivationsAsync(cluster.Silos, grains[0].GetGrainId()));

        // The first step after a move frees what has left.
        TrainingTrace middle = await TrainingTrace.OfAsync(model, 2);
        string[][] tables = Tables(cluster);

        ExpertStatus right = await grains[1 - from].GetStatusAsync();
        Assert.Equal((map.Workers[1 - from].Silo, 4L), (right.Silo, right.Version));

        // Forgotten once more, and with the old map on its own silo, the first is what callers there reach.
        cluster.Maps(from).Install(cluster["m"], map.At(map.Version + 5));
        await ForgetfulDirectory.ForgetAsync(cluster.Silos, grains[0].GetGrainId());
        PlacementRefusedException refused = await Assert.ThrowsAsync<PlacementRefusedException>(grains[from].GetStatusAsync);
        Assert.Contains(home, refused.Message, StringComparison.Ordinal);

        Assert.Equal(tables, Tables(cluster));
        Assert.Contains(shard.ExpertId.ToString(), tables[1 - from]);
        Assert.DoesNotContain(shard.ExpertId.ToString(), tables[from]);
        TrainingTrace rest = await TrainingTrace.OfAsync(model, 2);
        expected.AssertSame(
            new TrainingTrace([.. first.Losses, .. middle.Losses, .. rest.Losses], [.. first.Norms, .. middle.Norms, .. rest.Norms], rest.Fingerprint),
            "beside a duplicate");
    }

    [Fact]
    public async Task One_that_is_to_begin_beside_the_right_one_does_not_and_touches_nothing()
    {
        await using TrainingCluster cluster = await RentAsync();
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        ShardId shard = map.Shards.First();
        int home = map.RankOf(map.WorkerOf(shard));
        IGrainFactory factory = cluster.Silos.Silos[1 - home].Services.GetRequiredService<IGrainFactory>();
        IExpertGrain grain = factory.GetGrain<IExpertGrain>(GrainKeys.Expert(cluster["m"], shard));
        await grain.GetStatusAsync();
        string[][] tables = Tables(cluster);

        // The directory forgets the right one, and this silo has a map that no shard has followed.
        await ForgetfulDirectory.ForgetAsync(cluster.Silos, grain.GetGrainId());
        cluster.Maps(1 - home).Install(cluster["m"], map.With(map.Version + 1, [new ShardMove(shard.Layer, shard.Expert, home, 1 - home)]));
        await Assert.ThrowsAsync<PlacementRefusedException>(grain.GetStatusAsync);

        Assert.Equal(1, await ForgetfulDirectory.ActivationsAsync(cluster.Silos, grain.GetGrainId()));
        Assert.Equal(tables, Tables(cluster));
        expected.AssertSame(await TrainingTrace.OfAsync(model, 3), "beside a duplicate that did not begin");
    }

    private static Task<TrainingCluster> RentAsync() => TrainingCluster.RentAsync([1, 1], configure: ForgetfulDirectory.CacheNothing);

    private static string[][] Tables(TrainingCluster cluster) =>
        [.. cluster.Silos.Silos.Select(silo => cluster.Host(silo.Index).ShardsOf(cluster["m"]).Select(expert => expert.ToString()).Order(StringComparer.Ordinal).ToArray())];
}
