using FsCheck;
using FsCheck.Fluent;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Placement.Map;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Experts with replicas learn what a single copy learns: to the last bit in reproducible mode, else within rounding.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private const int Steps = 6;

    /// <summary>Devices of each silo.</summary>
    private static readonly int[] Devices = [1, 2, 1, 1];

    private static readonly RunConfiguration[] Runs =
    [
        TrainingRuns.With("swiglu", new GateOptions { TopK = 2 }),
        TrainingRuns.With("gelu", new GateOptions { TopK = 1, CapacityFactor = 1.1f }),
        TrainingRuns.With("gelu", new GateOptions { TopK = 3, CapacityFactor = 0.6f, Scores = GateScores.Sigmoid }) with { MicroBatches = 7 },
        TrainingRuns.With("swiglu", new GateOptions { TopK = 2 }) with { MicroBatches = 3 },
    ];

    private readonly Dictionary<int, TrainingTrace> _expected = [];
    private TrainingCluster _cluster = null!;
    private int _models;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await TrainingCluster.RentAsync(Devices);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public void Whole_micro_batches_change_no_bit() => ForAll(24, async one =>
    {
        TrainingTrace trace = await TrainAsync(await CreateAsync(Runs[one.Run], one.Wish));
        (await ExpectedAsync(one.Run)).AssertSame(trace, one.ToString());
    });

    [Fact]
    public void Shared_micro_batches_agree_within_rounding_and_replicas_to_the_last_bit() => ForAll(8, async one =>
    {
        // The fingerprint refuses replicas that differ; so does this, to be sure of both.
        MoEModel model = await CreateAsync(Runs[one.Run] with { Reproducible = false }, one.Wish);
        TrainingTrace trace = await TrainAsync(model);
        TrainingTrace expected = await ExpectedAsync(one.Run);
        for (int i = 0; i < Steps; i++)
        {
            Assert.InRange(trace.Losses[i] / expected.Losses[i], 1 - 1e-5, 1 + 1e-5);
            Assert.InRange(trace.Norms[i] / expected.Norms[i], 1 - 1e-4, 1 + 1e-4);
        }

        await AssertReplicasAlikeAsync(model);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Replicas_come_and_go_between_steps(bool reproducible)
    {
        RunConfiguration run = Runs[0] with { Reproducible = reproducible };
        int[][][][] placements =
        [
            [[[0], [0], [1], [1], [2]], [], [[0], [0], [1], [1], [2], [2], [2]]],
            [[[0, 2], [0], [1], [1], [2]], [], [[0], [0, 1, 2], [1], [1], [2], [2], [2, 0]]],
            [[[2], [0], [1, 0], [1], [2]], [], [[0], [2], [1], [1], [2], [2], [0]]],
            [[[1], [0, 1], [1, 0, 2], [1], [0, 2]], [], [[1], [2], [1, 2], [1, 0], [2], [1], [0]]],
        ];
        string[] silos = ["silo-0", "silo-2", "silo-3"];
        MoEModel still = await CreateAsync(run with { Reproducible = true }, new PlacementRequest { Silos = silos });
        MoEModel changing = await CreateAsync(run, new PlacementRequest { Silos = silos, Ranks = placements[0] });
        for (int step = 1; step <= 2 * placements.Length; step++)
        {
            int[][][] ranks = placements[step % placements.Length];
            await _cluster.Client.CreateModelAsync(changing.Name, run, new PlacementRequest { Silos = silos, Ranks = ranks }, Cancellation);
            double loss = (await changing.TrainStepAsync(TrainingRuns.Batch(run, step), Cancellation)).Loss;
            double expected = (await still.TrainStepAsync(TrainingRuns.Batch(run, step), Cancellation)).Loss;
            Assert.InRange(loss / expected, 1 - (reproducible ? 0 : 1e-5), 1 + (reproducible ? 0 : 1e-5));
            Assert.Equal(ranks.SelectMany(layer => layer).Sum(expert => expert.Length), Shards(changing.Name));
        }

        await AssertReplicasAlikeAsync(changing);
        await ActivationTests.AssertAtHomeAsync(_cluster, changing);
        if (reproducible)
        {
            Assert.Equal(await still.FingerprintAsync(Cancellation), await changing.FingerprintAsync(Cancellation));
        }
    }

    [Fact]
    public async Task A_replica_is_given_up_without_a_copy()
    {
        string[] silos = ["silo-0", "silo-2"];
        int[][] home = [[0, 0, 1, 1, 1], [], [0, 1, 0, 1, 0, 1, 0]];
        int[][][] both = [.. home.Select(layer => layer.Select(_ => new[] { 0, 1 }).ToArray())];
        MoEModel model = await CreateAsync(Runs[0], new PlacementRequest { Silos = silos, Ranks = both });
        await model.TrainStepAsync(TrainingRuns.Batch(Runs[0], 1), Cancellation);
        await model.FingerprintAsync(Cancellation);
        ParameterBlock[] before = [.. Blocks(model.Name, home)];
        await _cluster.Client.CreateModelAsync(model.Name, Runs[0], new PlacementRequest { Silos = silos, Ranks = Placements.Singles(home) }, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Runs[0], 2), Cancellation);
        Assert.Equal(before, Blocks(model.Name, home));
        Assert.Equal(home.Sum(layer => layer.Length), Shards(model.Name));
    }

    [Fact]
    public async Task Beside_replicas_an_expert_moves_by_hand_but_not_one_that_has_some()
    {
        int[][][] ranks = [[[0, 1], [0], [1], [1], [1]], [], [[0], [0, 1], [1], [1], [0], [0], [0]]];
        MoEModel model = await CreateAsync(Runs[0], new PlacementRequest { Silos = ["silo-0", "silo-3"], Ranks = ranks });
        PlacementRefusedException refused = await Assert.ThrowsAsync<PlacementRefusedException>(() => model.MoveExpertAsync(2, 1, 0, Cancellation));
        Assert.Contains("Layer 2, expert 1 has replicas on ranks 0, 1", refused.Message, StringComparison.Ordinal);
        await model.MoveExpertAsync(2, 0, 1, Cancellation);
        ranks[2][0] = [1];
        Assert.Equal(ranks, (await model.GetStatusAsync(Cancellation)).Map!.Ranks());
        (await ExpectedAsync(0)).AssertSame(await TrainAsync(model), "moved beside replicas");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Replicas_evaluate_and_generate_as_one_copy_does(bool reproducible)
    {
        int[][][] ranks = [.. Runs[0].Model.Experts.Select(experts => Enumerable.Repeat<int[]>([0, 1, 2], experts).ToArray())];
        MoEModel many = await CreateAsync(Runs[0] with { Reproducible = reproducible }, new PlacementRequest { Silos = ["silo-1", "silo-3"], Ranks = ranks });
        MoEModel one = await CreateAsync(Runs[0], new PlacementRequest { Silos = ["silo-0"] });
        IReadOnlyList<MicroBatch> batch = TrainingRuns.Batch(Runs[0], 1);
        Assert.Equal((await one.EvaluateAsync(batch, Cancellation)).Loss, (await many.EvaluateAsync(batch, Cancellation)).Loss);
        Assert.Equal(
            await one.GenerateAsync([3, 1, 4], 5, cancellationToken: Cancellation).ToArrayAsync(Cancellation),
            await many.GenerateAsync([3, 1, 4], 5, cancellationToken: Cancellation).ToArrayAsync(Cancellation));
    }

    [Fact]
    public async Task A_checkpoint_written_with_replicas_opens_without_and_the_other_way_round()
    {
        using var folder = new TemporaryFolder();
        RunConfiguration run = Runs[0];
        int[][][] replicas = [[[0, 2], [0], [1, 2], [1], [2]], [], [[0], [0, 1, 2], [1], [1], [2], [2], [0, 2]]];
        PlacementRequest with = new() { Silos = ["silo-0", "silo-2", "silo-3"], Ranks = replicas };
        PlacementRequest without = new() { Silos = ["silo-0", "silo-1"] };
        HashSet<long> bytes = [];
        TrainingTrace expected = await ExpectedAsync(0);
        (PlacementRequest Before, PlacementRequest After)[] cases = [(with, without), (without, with), (with, with)];
        foreach ((PlacementRequest before, PlacementRequest after) in cases)
        {
            string path = Path.Combine(folder.Path, $"{_models}");
            MoEModel model = await CreateAsync(run, before);
            double[] losses = (await TrainingTrace.OfAsync(model, 3)).Losses;
            SaveOutcome saved = await model.SaveAsync(path, cancellationToken: Cancellation);
            Assert.Equal(expected.Losses[..3], losses);
            MoEModel resumed = await _cluster.Client.RestoreModelAsync(_cluster[$"r{_models}"], path, after, Cancellation);
            TrainingTrace rest = await TrainingTrace.OfAsync(resumed, Steps - 3);
            Assert.Equal(expected.Losses[3..], rest.Losses);
            Assert.Equal(expected.Fingerprint, rest.Fingerprint);
            bytes.Add(saved.Bytes);
        }

        // Each expert is written once.
        Assert.Single(bytes);
    }

    [Theory]
    [InlineData(0f, 1, true)]
    [InlineData(0.7f, 2, true)]
    [InlineData(0.7f, 1, false)]
    public async Task Executors_allocate_nothing_in_a_warm_step_with_replicas(float capacity, int threads, bool reproducible)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2], threads);
        RunConfiguration run = TrainingRuns.With("gelu", new GateOptions { CapacityFactor = capacity }) with { Reproducible = reproducible };
        PlacementRequest wish = new() { Ranks = [[[0, 1, 2], [0], [1, 2], [0, 2], [2]], [], [[0], [0, 1], [1], [1, 2], [2], [0, 1, 2], [2]]] };
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, wish, Cancellation);
        List<long> allocated = [];
        while (allocated.Count < 48 && !(allocated.Count >= 12 && allocated[^6..].Sum() == 0))
        {
            StepOutcome outcome = await model.TrainStepAsync(TrainingRuns.Batch(run, Math.Min(allocated.Count + 1, 3)), Cancellation);
            allocated.Add(outcome.ExecutorAllocatedBytes);
        }

        Assert.True(allocated[^6..].Sum() == 0, $"Bytes by step: {string.Join(", ", allocated)}.");
    }

    private static void ForAll(int cases, Func<ReplicaCase, Task> check)
    {
        Gen<ReplicaCase> some =
            from run in Gen.Choose(0, Runs.Length - 1)
            from count in Gen.Choose(2, Devices.Length)
            from silos in Gen.Shuffle(Enumerable.Range(0, Devices.Length))
            let chosen = silos.Take(count).ToArray()
            let workers = chosen.Sum(silo => Devices[silo])
            from ranks in Gen.ArrayOf(Replicas(workers), Runs[run].Model.Experts.Sum())
            select new ReplicaCase(run, chosen, Split(ranks, Runs[run].Model.Experts));
        Prop.ForAll(some.ToArbitrary(), one => check(one).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(cases).WithQuietOnSuccess(true));
    }

    /// <summary>One replica as often as several, on any workers.</summary>
    private static Gen<int[]> Replicas(int workers) =>
        from several in Gen.Elements(false, true)
        from count in Gen.Choose(1, several ? workers : 1)
        from ranks in Gen.Shuffle(Enumerable.Range(0, workers))
        select ranks.Take(count).ToArray();

    private static int[][][] Split(int[][] ranks, IReadOnlyList<int> experts) =>
        [.. experts.Select((count, layer) => ranks.Skip(experts.Take(layer).Sum()).Take(count).ToArray())];

    private Task<MoEModel> CreateAsync(RunConfiguration run, PlacementRequest wish) =>
        _cluster.Client.CreateModelAsync(_cluster[$"m{Interlocked.Increment(ref _models)}"], run, wish, Cancellation);

    private static Task<TrainingTrace> TrainAsync(MoEModel model) => TrainingTrace.OfAsync(model, Steps);

    private async Task<TrainingTrace> ExpectedAsync(int run)
    {
        if (!_expected.TryGetValue(run, out TrainingTrace? expected))
        {
            expected = await TrainAsync(await CreateAsync(Runs[run], new PlacementRequest { Silos = ["silo-0"] }));
            _expected.Add(run, expected);
        }

        return expected;
    }

    private async Task AssertReplicasAlikeAsync(MoEModel model)
    {
        await model.FingerprintAsync(Cancellation);
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        foreach (ShardId shard in map.Shards.Where(shard => shard.Replica > 0))
        {
            ParameterBlock home = Block(model.Name, map, shard with { Replica = 0 });
            ParameterBlock replica = Block(model.Name, map, shard);
            Assert.NotSame(home, replica);
            Assert.Equal(home.Values.AsSpan().ToArray(), replica.Values.AsSpan().ToArray());
            Assert.Equal(home.FirstMoments.AsSpan().ToArray(), replica.FirstMoments.AsSpan().ToArray());
            Assert.Equal(home.SecondMoments.AsSpan().ToArray(), replica.SecondMoments.AsSpan().ToArray());
        }
    }

    private ParameterBlock Block(string model, PlacementMap map, ShardId shard)
    {
        int silo = _cluster.Silos.Silos.Single(one => one.Address.ToParsableString() == map.WorkerOf(shard).Silo).Index;
        return _cluster.Host(silo).ModelAt(model, map.RankOf(map.WorkerOf(shard)))!.Parameters.Shards[shard.ExpertId];
    }

    /// <summary>The experts of a model on silos 0 and 2, one device each.</summary>
    private IEnumerable<ParameterBlock> Blocks(string model, int[][] ranks) =>
        ranks.SelectMany((layer, i) => layer.Select((rank, expert) =>
            _cluster.Host(2 * rank).ModelAt(model, rank)!.Parameters.Shards[new ExpertId(i, expert)]));

    private int Shards(string model) => Enumerable.Range(0, Devices.Length).Sum(silo => _cluster.Host(silo).ShardsOf(model).Count());

    private sealed record ReplicaCase(int Run, int[] Silos, int[][][] Ranks)
    {
        public PlacementRequest Wish => new() { Silos = [.. Silos.Select(silo => $"silo-{silo}")], Ranks = Ranks };

        public override string ToString() =>
            $"run {Run}, silos {string.Join(" ", Silos)}, ranks {string.Join(" | ", Ranks.Select(layer => string.Join(" ", layer.Select(expert => string.Join("+", expert)))))}";
    }
}
