using FsCheck;
using FsCheck.Fluent;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>The result of training does not depend on where the experts are, bit for bit.</summary>
public sealed class PlacementIndependenceTests : IAsyncLifetime
{
    private const int Steps = 30;

    /// <summary>As many show whether a placement changes a bit, and leave time for many placements.</summary>
    private const int StepsOfCase = 10;

    /// <summary>Devices of each silo of the clusters that the property draws from.</summary>
    private static readonly int[] Devices = [1, 2, 1, 3];

    private static readonly RunConfiguration[] Runs =
    [
        TrainingRuns.With("swiglu", new GateOptions { TopK = 2 }),
        TrainingRuns.With("gelu", new GateOptions { TopK = 1, CapacityFactor = 1.1f }),
        TrainingRuns.With("swiglu", new GateOptions { TopK = 3, CapacityFactor = 0.6f, Scores = GateScores.Sigmoid }),
        TrainingRuns.With("gelu", new GateOptions { TopK = 2, Scores = GateScores.Sigmoid, Renormalise = false }),
    ];

    private readonly Dictionary<int, TrainingTrace> _expected = [];
    private readonly Dictionary<int, TrainingCluster> _clusters = [];
    private int _models;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (TrainingCluster cluster in _clusters.Values)
        {
            await cluster.DisposeAsync();
        }
    }

    [Fact]
    public async Task Loss_and_parameters_are_the_same_on_any_number_of_silos()
    {
        TrainingTrace? expected = null;
        for (int silos = 1; silos <= 4; silos++)
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Runs[0], null, TestContext.Current.CancellationToken);
            TrainingTrace trace = await TrainingTrace.OfAsync(model, Steps);
            (expected ??= trace).AssertSame(trace, $"{silos} silos");
        }

        Assert.True(expected!.Losses[^1] < expected.Losses[0] - 0.5, $"It learnt nothing: from {expected.Losses[0]:F3} to {expected.Losses[^1]:F3}.");
    }

    [Fact]
    public void Loss_and_parameters_are_the_same_for_any_placement()
    {
        Gen<PlacementCase> cases =
            from run in Gen.Choose(0, Runs.Length - 1)
            from threads in Gen.Choose(1, 2)
            from count in Gen.Choose(1, Devices.Length)
            from silos in Gen.Shuffle(Enumerable.Range(0, Devices.Length))
            let chosen = silos.Take(count).ToArray()
            let workers = chosen.Sum(silo => Devices[silo])
            from used in Gen.Choose(1, workers)
            from ranks in Gen.ArrayOf(Gen.Choose(0, used - 1), Runs[run].Model.Experts.Sum())
            select new PlacementCase(run, threads, chosen, Split(ranks, Runs[run].Model.Experts));
        Prop.ForAll(cases.ToArbitrary(), one => CheckAsync(one).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(24).WithQuietOnSuccess(true));
    }

    private static int[][] Split(int[] ranks, IReadOnlyList<int> experts) =>
        [.. experts.Select((count, layer) => ranks.Skip(experts.Take(layer).Sum()).Take(count).ToArray())];

    private async Task CheckAsync(PlacementCase one)
    {
        TrainingCluster cluster = await ClusterAsync(one.Threads);
        if (!_expected.TryGetValue(one.Run, out TrainingTrace? expected))
        {
            expected = await TrainAsync(cluster, one.Run, new PlacementRequest { Silos = ["silo-0"] });
            _expected.Add(one.Run, expected);
        }

        TrainingTrace trace = await TrainAsync(
            cluster, one.Run, new PlacementRequest { Silos = [.. one.Silos.Select(silo => $"silo-{silo}")], Ranks = Placements.Singles(one.Ranks) });
        expected.AssertSame(trace, one.ToString());
    }

    private async Task<TrainingTrace> TrainAsync(TrainingCluster cluster, int run, PlacementRequest placement)
    {
        MoEModel model = await cluster.Client.CreateModelAsync(
            cluster[$"m{Interlocked.Increment(ref _models)}"], Runs[run], placement, TestContext.Current.CancellationToken);
        return await TrainingTrace.OfAsync(model, StepsOfCase);
    }

    private async Task<TrainingCluster> ClusterAsync(int threads)
    {
        if (!_clusters.TryGetValue(threads, out TrainingCluster? cluster))
        {
            cluster = await TrainingCluster.RentAsync(Devices, threads);
            _clusters.Add(threads, cluster);
        }

        return cluster;
    }

    private sealed record PlacementCase(int Run, int Threads, int[] Silos, int[][] Ranks)
    {
        public override string ToString() =>
            $"run {Run}, {Threads} threads, silos {string.Join(" ", Silos)}, ranks {string.Join(" | ", Ranks.Select(layer => string.Join(" ", layer)))}";
    }
}
