using Microsoft.Extensions.DependencyInjection;
using MoEActors.Client;
using MoEActors.Grains.Experts;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;
using Orleans.Core.Internal;

namespace MoEActors.Tests.Training;

/// <summary>An expert grain follows its shard with a manifest, and speaks for no shard that is not beside it.</summary>
public sealed class ExpertMigrationTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_grain_that_is_sent_where_its_shard_is_not_refuses_to_begin_there_and_training_goes_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        ShardId shard = map.Shards.First();

        // Called as the coordinator does: gateways of Orleans do not learn from refusals that they pass on to clients.
        IGrainFactory grains = cluster.Silos.Silos[1].Services.GetRequiredService<IGrainFactory>();
        IExpertGrain grain = grains.GetGrain<IExpertGrain>(GrainKeys.Expert(cluster["m"], shard));
        string home = (await grain.GetStatusAsync()).Silo;

        // A map that no data has followed.
        InstallEverywhere(cluster, map, shard, 1 - map.RankOf(map.WorkerOf(shard)));
        await Assert.ThrowsAsync<PlacementRefusedException>(grain.GetStatusAsync);
        await Assert.ThrowsAsync<PlacementRefusedException>(grain.GetStatusAsync);

        await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
        InstallEverywhere(cluster, map, shard, map.RankOf(map.WorkerOf(shard)));
        ExpertStatus status = await StatusAsync(grain);
        Assert.Equal(home, status.Silo);
    }

    [Fact]
    public async Task A_grain_that_is_asked_to_move_where_it_is_stays()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        IExpertGrain grain = cluster.Silos.Client.GetGrain<IExpertGrain>(GrainKeys.Expert(cluster["m"], map.Shards.First()));

        await grain.AsReference<IGrainManagementExtension>().MigrateOnIdle(TestContext.Current.CancellationToken);

        Assert.Equal(map.WorkerOf(map.Shards.First()).Silo, (await grain.GetStatusAsync()).Silo);
    }

    [Fact]
    public void What_a_grain_takes_along_is_a_name_and_a_number() => Assert.Equal(
        [typeof(string), typeof(long)],
        typeof(ExpertManifest).GetConstructors().Single().GetParameters().Select(parameter => parameter.ParameterType));

    private static void InstallEverywhere(TrainingCluster cluster, PlacementMap map, ShardId shard, int rank)
    {
        PlacementMap moved = map.With(map.Version, [new ShardMove(shard.Layer, shard.Expert, map.RankOf(map.WorkerOf(shard)), rank)]);
        foreach (int silo in cluster.Silos.Silos.Select(silo => silo.Index))
        {
            cluster.Maps(silo).Install(cluster["m"], moved);
        }
    }

    /// <summary>Silos of Orleans may remember for a while where the grain failed to begin.</summary>
    private static async Task<ExpertStatus> StatusAsync(IExpertGrain grain)
    {
        ExpertStatus? status = null;
        await Deadline.UntilAsync(
            async () =>
            {
                try
                {
                    status = await grain.GetStatusAsync();
                }
                catch (PlacementRefusedException)
                {
                    // Asked too early.
                }

                return status is not null;
            },
            "the expert answers where its shard is");
        return status!;
    }
}
