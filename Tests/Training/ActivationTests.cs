using MoEActors.Client;
using MoEActors.Grains.Experts;
using MoEActors.Grains.Gates;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Opening an epoch brings every expert and gate grain to life where the map says.</summary>
public sealed class ActivationTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Activations_of_every_silo_equal_the_map()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2, 1]);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await AssertAtHomeAsync(cluster, model);
    }

    [Fact]
    public async Task Before_the_first_step_grains_and_shards_follow_a_new_placement()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        var first = new PlacementRequest { Ranks = Placements.Singles([[0, 1, 2, 0, 1], [], [2, 2, 1, 1, 0, 0, 0]]) };
        var second = new PlacementRequest { Silos = ["silo-2", "silo-0"], Ranks = Placements.Singles([[1, 1, 0, 0, 1], [], [0, 1, 0, 1, 0, 1, 0]]) };
        await cluster.Client.CreateModelAsync(cluster["m"], Run, first, Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, second, Cancellation);
        MoEModel undisturbed = await cluster.Client.CreateModelAsync(cluster["other"], Run, first, Cancellation);

        await AssertAtHomeAsync(cluster, model);
        (await TrainingTrace.OfAsync(undisturbed, 3)).AssertSame(await TrainingTrace.OfAsync(model, 3), "placed anew");

        // A silo that was out returns, with whatever it remembers.
        MoEModel again = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        Assert.Equal(3, again.Step);
    }

    [Fact]
    public async Task Grains_say_where_they_are_and_how_far_their_shard_is()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2]);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        StepOutcome last = (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation));
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;

        // The step after next is ordered behind the commit; so is this.
        await model.FingerprintAsync(Cancellation);
        foreach (ShardId shard in map.Shards)
        {
            ExpertStatus status = await cluster.Silos.Client.GetGrain<IExpertGrain>(GrainKeys.Expert(cluster["m"], shard)).GetStatusAsync();
            Assert.Equal((map.WorkerOf(shard), 1L, 3L * 20 * 22), (new WorkerId(status.Silo, status.Device), status.Version, status.Parameters));
        }

        long[] chosen = new long[5];
        for (int rank = 0; rank < 3; rank++)
        {
            GateStatus gate = await cluster.Silos.Client.GetGrain<IGateGrain>(GrainKeys.Gate(cluster["m"], 0, rank)).GetStatusAsync();
            Assert.Equal((0, rank, map.Workers[rank].Silo, 2), (gate.Layer, gate.Rank, gate.Silo, gate.Policy.Options.TopK));
            chosen = [.. chosen.Zip(gate.ChosenTokens, (a, b) => a + b)];
        }

        Assert.Equal(last.ChosenTokens[0], chosen);
    }

    internal static async Task AssertAtHomeAsync(TrainingCluster cluster, MoEModel model)
    {
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        HashSet<(string, string)> expected =
        [
            .. map.Shards.Select(shard => (GrainKeys.Expert(model.Name, shard), map.WorkerOf(shard).Silo)),
            .. from layer in model.Run.Model.MoELayers
               from rank in Enumerable.Range(0, map.Workers.Length)
               select (GrainKeys.Gate(model.Name, layer, rank), map.Workers[rank].Silo),
        ];
        DetailedGrainStatistic[] live = await cluster.Silos.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics();
        HashSet<(string, string)> found =
        [
            .. live
                .Where(one => one.GrainType.StartsWith(typeof(ExpertGrain).FullName!, StringComparison.Ordinal)
                    || one.GrainType.StartsWith(typeof(GateGrain).FullName!, StringComparison.Ordinal))
                .Select(one => (one.GrainId.Key.ToString()!, one.SiloAddress.ToParsableString()))
                .Where(one => GrainKeys.Model(one.Item1) == model.Name),
        ];
        Assert.Equal(expected.Order(), found.Order());
    }
}
