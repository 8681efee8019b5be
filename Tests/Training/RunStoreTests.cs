using System.Reflection;
using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Planners;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>What coordinators rely on, of every store of runs.</summary>
public sealed class RunStoreTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Stores => ["memory", "grain storage"];

    [Theory, MemberData(nameof(Stores))]
    public async Task A_record_comes_back_as_it_was_written(string kind)
    {
        IRunStore store = Make(kind);
        RunRecord record = First() with { Silos = ["a"], Director = new(), Snapshots = [new(3, "x/0")], Recovery = new(new(3, "x/0"), 7), LoggedFrom = 3 };
        Assert.Null(await store.ReadAsync("m"));
        Assert.True(await store.TryWriteAsync("m", record));

        RunRecord found = (await store.ReadAsync("m"))!;
        Assert.Equal(record.Configuration.ToJson(), found.Configuration.ToJson());
        Assert.True(record.Map!.IsPlacedAs(found.Map!));
        Assert.Equivalent(record with { Map = null, Configuration = new() }, found with { Map = null, Configuration = new() });
        Assert.Equal(["m"], await store.ListAsync());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Every_part_of_a_record_is_kept(string kind)
    {
        RunRecord record = First() with
        {
            Checkpoint = "folder",
            CheckpointStep = 2,
            InferenceOnly = true,
            Cursor = "here",
            Silos = ["a", "b"],
            Gates = [new GatePolicy(0, 3, new GateOptions { TopK = 1 })],
            PastGates = [new GatePolicy(0, 1, new GateOptions { TopK = 3 })],
            Step = 9,
            LastOutcomes = [OutcomeOf(9, First().Configuration.Model)],
            Snapshots = [new(3, "x/0", "a"), new(6, "x/1", "b")],
            LoggedFrom = 3,
            Recovery = new(new(6, "x/1"), 9),
            Director = new() { Every = 7 },
            DirectorRevision = 4,
            Calibration = new([1, 2], [0.5, 0.75], 8),
            Parallelism = [LayerParallelism.Data],
            TunedLayers = [0],
            Tuning = "{}",
            Drained = ["c"],
            IsStopped = true,
        };
        var nothing = new RunRecord();
        PropertyInfo[] properties = typeof(RunRecord).GetProperties();
        Assert.All(properties, property => Assert.NotEqual(property.GetValue(nothing), property.GetValue(record)));

        IRunStore store = Make(kind);
        Assert.True(await store.TryWriteAsync("m", record));
        RunRecord found = (await store.ReadAsync("m"))!;
        Assert.All(properties, property => Assert.NotEqual(property.GetValue(nothing), property.GetValue(found)));
        Assert.True(record.Map!.IsPlacedAs(found.Map!));
        Assert.Equal(record.Configuration.ToJson(), found.Configuration.ToJson());
        Assert.Equivalent(record with { Map = null, Configuration = new() }, found with { Map = null, Configuration = new() });
    }

    [Fact]
    public async Task What_travels_in_a_record_of_before_experts_had_slices_is_read()
    {
        RunRecord old = First() with { TunedLayers = [1] };
        typeof(RunRecord).GetProperty("FormerParallelism", BindingFlags.Instance | BindingFlags.NonPublic)!
            .SetValue(old, new[] { LayerParallelism.Data, LayerParallelism.TransientCopies });
        IRunStore store = Make("grain storage");
        Assert.True(await store.TryWriteAsync("m", old));
        ParallelismChoice[] expected = [LayerParallelism.Data, LayerParallelism.TransientCopies];
        Assert.Equal(expected, (await store.ReadAsync("m"))!.Parallelism);
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Of_writers_that_race_for_a_version_one_wins(string kind)
    {
        IRunStore store = Make(kind);
        for (int version = 1; version <= 20; version++)
        {
            RunRecord[] records = [.. Enumerable.Range(0, 8).Select(writer => First() with { Version = version, Term = writer })];
            bool[] won = await Task.WhenAll(records.Select(record => Task.Run(() => store.TryWriteAsync("m", record))));
            Assert.Single(won, true);
            Assert.Equal(Array.IndexOf(won, true), (await store.ReadAsync("m"))!.Term);
        }
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Who_knows_an_older_version_loses_whatever_others_have_read_meanwhile(string kind)
    {
        IRunStore store = Make(kind);
        Assert.True(await store.TryWriteAsync("m", First()));
        Assert.True(await store.TryWriteAsync("m", First() with { Version = 2, Term = 5 }));
        await store.ReadAsync("m");

        Assert.False(await store.TryWriteAsync("m", First() with { Version = 2, Term = 6 }));
        Assert.False(await store.TryWriteAsync("m", First() with { Version = 1 }));
        Assert.False(await store.TryWriteAsync("m", First() with { Version = 4 }));
        Assert.Equal(5, (await store.ReadAsync("m"))!.Term);
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Batches_are_kept_until_they_are_trimmed_and_the_last_one_logged_counts(string kind)
    {
        IRunStore store = Make(kind);
        for (long step = 1; step <= 5; step++)
        {
            await store.WriteBatchAsync("m", new StepRequest(step, [.. TrainingRuns.Batch(Run, step)]));
        }

        await store.WriteBatchAsync("m", new StepRequest(4, [.. TrainingRuns.Batch(Run, 40)]));
        await store.TrimBatchesAsync("m", 1, 2);

        Assert.Null(await store.ReadBatchAsync("m", 2));
        Assert.Equal(TrainingRuns.Batch(Run, 3)[0].Inputs, (await store.ReadBatchAsync("m", 3))!.Batches[0].Inputs);
        Assert.Equal(TrainingRuns.Batch(Run, 40)[0].Inputs, (await store.ReadBatchAsync("m", 4))!.Batches[0].Inputs);
        Assert.Null(await store.ReadBatchAsync("other", 3));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task What_is_deleted_is_gone_and_its_name_is_free(string kind)
    {
        var storage = new ETagStorage();
        IRunStore store = Make(kind, storage);
        Assert.True(await store.TryWriteAsync("m", First()));
        Assert.True(await store.TryWriteAsync("m", First() with { Version = 2, View = 2, Map = First().Map!.At(2), Step = 1 }));
        await store.WriteBatchAsync("m", new StepRequest(1, [.. TrainingRuns.Batch(Run, 1)]));
        await store.WriteBatchAsync("m", new StepRequest(2, [.. TrainingRuns.Batch(Run, 2)]));
        await store.WriteDecisionsAsync("m", []);

        Assert.False(await store.TryDeleteAsync("m", 1));
        Assert.True(await store.TryDeleteAsync("m", 2));
        Assert.Null(await store.ReadAsync("m"));
        Assert.Null(await store.ReadBatchAsync("m", 1));
        Assert.Empty(await store.ListAsync());
        Assert.True(kind == "memory" || storage.Count == 1, $"{storage.Count} entries are left; the list of runs is one.");
        Assert.True(await store.TryWriteAsync("m", First()));
    }

    [Fact]
    public async Task A_decision_is_small_whatever_the_number_of_experts()
    {
        async Task<long> BytesAsync(int experts)
        {
            var storage = new ETagStorage();
            IRunStore store = Make("grain storage", storage);
            RunConfiguration run = Run with { Model = Run.Model with { Experts = [experts, 0, experts] } };
            RunRecord record = First() with { Configuration = run, Map = StaticPlanner.Plan(1, First().Map!.Workers, run.Model.Experts) };
            StepOutcome outcome = OutcomeOf(1, run.Model);
            await store.TryWriteAsync("m", record);
            long before = storage.Written;
            await store.TryWriteAsync("m", record with { Version = 2, Step = 1, LastOutcomes = [outcome] });
            return storage.Written - before;
        }

        long few = await BytesAsync(8), many = await BytesAsync(2000);
        Assert.True(many - few <= 1024, $"A decision takes {few} bytes with 8 experts and {many} with 2,000.");
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_write_whose_answer_is_lost_is_looked_up_before_anything_else(bool taken)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], snapshots: 3, inGrainStorage: true);
        ETagStorage storage = cluster.Storage!;
        var model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 4);
        storage.LoseNext(after: 3, count: 3, taken);

        expected.AssertSame(await TrainingTrace.OfAsync(model, 4), $"with answers of the store that were lost, the writes {(taken ? "" : "not ")}taken");
        Assert.Equal(4, (await cluster.Store.ReadAsync(cluster["m"]))!.Step);
        Assert.Equal(3, storage.Lost);
    }

    [Fact]
    public async Task A_store_that_forgets_nothing_for_a_while_fails_no_step_and_is_asked_again()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], snapshots: 3, inGrainStorage: true);
        ETagStorage storage = cluster.Storage!;
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        storage.RefusesToClear = true;
        do
        {
            await model.TrainStepAsync(TrainingRuns.Batch(Run, model.Step + 1), Cancellation);
            Assert.True(model.Step < 2000, "There are no two snapshots after 2,000 steps.");
        }
        while ((await cluster.Store.ReadAsync(cluster["m"]))!.LoggedFrom == 0);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, model.Step + 1), Cancellation);
        Assert.NotNull(await cluster.Store.ReadBatchAsync(cluster["m"], 1));

        storage.RefusesToClear = false;
        await model.TrainStepAsync(TrainingRuns.Batch(Run, model.Step + 1), Cancellation);
        await Deadline.UntilAsync(async () => await cluster.Store.ReadBatchAsync(cluster["m"], 1) is null, "the batches that nobody needs are forgotten");
    }

    /// <summary>Neither Garnet nor Redis has checksums of what is in its file.</summary>
    [Theory, InlineData("state"), InlineData("batch.1")]
    public async Task What_was_damaged_in_a_store_is_refused(string name)
    {
        ETagStorage storage = new();
        GrainStorageRunStore store = storage.ToRunStore();
        Assert.True(await store.TryWriteAsync("m", First()));
        await store.WriteBatchAsync("m", new StepRequest(1, [.. TrainingRuns.Batch(Run, 1)]));
        await store.ReadAsync("m");
        storage.Damage(name);

        InvalidDataException refused = await Assert.ThrowsAsync<InvalidDataException>(() => name == "state" ? (Task)store.ReadAsync("m") : store.ReadBatchAsync("m", 1));

        Assert.Contains("is damaged", refused.Message, StringComparison.Ordinal);
    }

    private static RunRecord First() => new()
    {
        Version = 1,
        Run = Guid.Parse("11111111-2222-3333-4444-555555555555"),
        Term = 1,
        Owner = Guid.Parse("21111111-2222-3333-4444-555555555555"),
        View = 1,
        Configuration = Run,
        Map = StaticPlanner.Plan(1, [new WorkerId("a@1", 0), new WorkerId("b@1", 0)], Run.Model.Experts),
    };

    private static IRunStore Make(string kind, ETagStorage? storage = null) =>
        kind == "memory" ? new InMemoryRunStore() : (storage ?? new ETagStorage()).ToRunStore();

    private static StepOutcome OutcomeOf(long step, ModelConfiguration model)
    {
        long[][] counts = [.. model.Experts.Select(count => new long[count])];
        return new StepOutcome
        {
            Step = step,
            Loss = 1,
            CrossEntropy = 1,
            Auxiliary = 0,
            GradientNorm = 1,
            LearningRate = 1,
            Tokens = 1,
            Seconds = 1,
            KeptTokens = counts,
            ChosenTokens = counts,
            ExecutorAllocatedBytes = 0,
        };
    }
}
