using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;

namespace MoEActors.Tests.Training;

/// <summary>A silo that dies costs a few steps that are computed again, and nothing that was acknowledged; nobody who looks at the losses can tell.</summary>
public sealed class RecoveryTests
{
    private const int Steps = 9;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // Snapshots after steps 3 and 6. A step is about 35 calls of the data plane on each rank, and each opening of a view a few more.
    [Theory, InlineData(1, 10), InlineData(1, 60), InlineData(0, 170), InlineData(3, 180)]
    public async Task A_member_that_dies_in_a_step_costs_nothing_that_was_acknowledged(int silo, int calls)
    {
        await using TrainingCluster cluster = await RentAsync(4);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        Task held = cluster.DataPlane.HoldAt(rank: silo == 0 ? 1 : 0, calls);
        Task<TrainingTrace> training = TrainingTrace.OfAsync(model, Steps);
        await held;
        await cluster.KillAsync(cluster.Silos.Silos[silo]);
        cluster.DataPlane.Release();

        expected.AssertSame(await training, "with a silo that died");
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.Equal(Steps, status.Step);
        Assert.Equal(3, status.Map!.Workers.Length);
    }

    [Fact]
    public async Task Two_silos_that_die_at_once_cost_nothing_either()
    {
        await using TrainingCluster cluster = await RentAsync(4);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        Task held = cluster.DataPlane.HoldAt(rank: 0, calls: 150);
        Task<TrainingTrace> training = TrainingTrace.OfAsync(model, Steps);
        await held;
        await cluster.KillAsync([.. cluster.Silos.Silos.Skip(2)]);
        cluster.DataPlane.Release();

        expected.AssertSame(await training, "with two silos that died");
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).Map!.Workers.Length);
    }

    [Fact]
    public async Task A_silo_that_dies_while_another_one_is_being_made_up_for_costs_nothing_either()
    {
        await using TrainingCluster cluster = await RentAsync(4);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        await TrainAsync(model, 5);
        await cluster.KillAsync(cluster.Silos.Silos[3]);

        // In the middle of step 4, which is learnt again.
        Task held = cluster.DataPlane.HoldAt(rank: 0, calls: 20);
        Task<TrainingTrace> training = TrainingTrace.OfAsync(model, Steps - 5);
        await held;
        await cluster.KillAsync(cluster.Silos.Silos[1]);
        cluster.DataPlane.Release();

        expected.AssertEnd(await training, "with a silo that died in a recovery");
    }

    [Fact]
    public async Task A_silo_that_comes_back_is_a_member_again_and_has_experts()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        await TrainAsync(model, 4);
        await cluster.KillAsync(cluster.Silos.Silos[1]);
        await TrainAsync(model, 1);
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).Map!.Workers.Length);
        EmbeddedSilo back = await cluster.Silos.RestartAsync(1, Cancellation);

        expected.AssertEnd(await TrainingTrace.OfAsync(model, Steps - 5), "with a silo that came back");
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        int rank = status.Map!.Workers.IndexOf(status.Map.Workers.Single(worker => worker.Silo == back.Address.ToParsableString()));
        Assert.All(Run.Model.MoELayers, layer => Assert.NotEmpty(status.Map.ExpertsOn(rank, layer)));
    }

    [Fact]
    public async Task Experts_that_cannot_be_moved_to_a_silo_that_comes_back_are_in_no_steps_way()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        await TrainAsync(model, 2);
        await cluster.KillAsync(cluster.Silos.Silos[2]);
        await TrainAsync(model, 2);
        EmbeddedSilo back = await cluster.Silos.RestartAsync(2, Cancellation);

        // The view that takes it in is lost once; in the next one experts do not get through.
        cluster.Calls.Lose(call => TrainingCalls.OrderOf(call) is OpenViewCommand, Loss.Request, 1);
        cluster.DataPlane.FailCourierAt(rank: 0, calls: 0, new InvalidDataException("the copy was torn"));

        expected.AssertEnd(await TrainingTrace.OfAsync(model, Steps - 4), "with experts that could not be moved");
        Assert.True(cluster.Calls.Meant > 1, "No view was lost.");

        // It is a member, and has nothing.
        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        int rank = map.Workers.IndexOf(map.Workers.Single(worker => worker.Silo == back.Address.ToParsableString()));
        Assert.All(Run.Model.MoELayers, layer => Assert.Empty(map.ExpertsOn(rank, layer)));
    }

    [Fact]
    public async Task Silos_that_were_not_asked_for_stay_outside()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, new PlacementRequest { Silos = ["silo-0", "silo-2"] }, Cancellation);
        await TrainAsync(model, 4);
        await cluster.KillAsync(cluster.Silos.Silos[2]);
        await TrainAsync(model, 1);
        Assert.Equal(["silo-0"], (await model.GetStatusAsync(Cancellation)).SiloNames);

        await cluster.Silos.RestartAsync(2, Cancellation);
        await TrainAsync(model, 1);
        Assert.Equal(["silo-0", "silo-2"], (await model.GetStatusAsync(Cancellation)).SiloNames);
    }

    [Fact]
    public async Task A_run_that_was_restored_goes_back_to_its_checkpoint_before_its_first_snapshot()
    {
        using var folder = new TemporaryFolder();
        await using TrainingCluster cluster = await RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel first = await CreateAsync(cluster);
        await TrainAsync(first, 4);
        await first.SaveAsync(folder.Path, cancellationToken: Cancellation);
        MoEModel model = await cluster.Client.RestoreModelAsync(cluster["again"], folder.Path, null, Cancellation);
        await TrainAsync(model, 2);
        await cluster.KillAsync(cluster.Silos.Silos[2]);

        expected.AssertEnd(await TrainingTrace.OfAsync(model, Steps - 6), "from a checkpoint");
    }

    [Fact]
    public async Task Steps_that_are_learnt_again_route_as_they_did()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        TrainingTrace expected = await TrainChangingAsync(await cluster.Client.CreateModelAsync(cluster["other"], Run, null, Cancellation), () => Task.CompletedTask);
        MoEModel model = await CreateAsync(cluster);
        TrainingTrace actual = await TrainChangingAsync(model, () => cluster.KillAsync(cluster.Silos.Silos[1]));

        expected.AssertSame(actual, "with policies that changed");

        static async Task<TrainingTrace> TrainChangingAsync(MoEModel model, Func<Task> disturb)
        {
            TrainingTrace one = await TrainingTrace.OfAsync(model, 4);
            await model.ConfigureGateAsync(0, gate => gate with { TopK = 1 }, Cancellation);
            TrainingTrace two = await TrainingTrace.OfAsync(model, 1);
            await model.ConfigureGateAsync(0, gate => gate with { TopK = 3 }, Cancellation);
            await model.ConfigureGateAsync(2, gate => gate with { CapacityFactor = 0.5f }, Cancellation);
            await disturb();
            TrainingTrace three = await TrainingTrace.OfAsync(model, 3);
            return new TrainingTrace([.. one.Losses, .. two.Losses, .. three.Losses], [.. one.Norms, .. two.Norms, .. three.Norms], three.Fingerprint);
        }
    }

    [Theory, InlineData("damage"), InlineData("truncate"), InlineData("delete")]
    public async Task A_snapshot_that_cannot_be_read_is_passed_over_for_the_one_before_it(string what)
    {
        await using TrainingCluster cluster = await RentAsync(3);
        MoEModel model = await CreateAsync(cluster);
        RunRecord record = await TrainUntilAsync(cluster, model, record => record.Snapshots.Length == 2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, (int)record.Step + 1);
        string file = Directory.GetFiles(record.Snapshots[1].Place!, "model-step-*").Max()!;
        if (what == "delete")
        {
            File.Delete(file);
        }
        else
        {
            using FileStream stream = File.Open(file, FileMode.Open);
            stream.SetLength(what == "truncate" ? stream.Length / 2 : stream.Length);
            stream.Position = stream.Length - 7;
            stream.Write([1, 2, 3]);
        }

        await cluster.KillAsync(cluster.Silos.Silos[2]);

        expected.AssertEnd(await TrainingTrace.OfAsync(model, 1), $"past a snapshot that somebody has done harm to ({what})");
    }

    [Fact]
    public async Task Snapshots_that_cannot_be_written_stop_nothing_and_the_log_goes_back_to_the_beginning()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await CreateAsync(cluster);
        await File.WriteAllTextAsync(await cluster.SnapshotsAsync(cluster["m"]), "no folder", Cancellation);
        await TrainAsync(model, 8);
        await cluster.KillAsync(cluster.Silos.Silos[2]);

        expected.AssertEnd(await TrainingTrace.OfAsync(model, 1), "without any snapshot");
    }

    [Fact]
    public async Task Two_snapshots_stay_and_batches_before_them_are_forgotten()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        MoEModel model = await CreateAsync(cluster);
        RunRecord record = await TrainUntilAsync(cluster, model, record => record.Snapshots is [{ Step: > 3 }, _]);
        long older = record.Snapshots[0].Step;
        Assert.Equal(older, record.LoggedFrom);
        Assert.Null(await cluster.Store.ReadBatchAsync(cluster["m"], older));
        Assert.NotNull(await cluster.Store.ReadBatchAsync(cluster["m"], older + 1));
        string snapshots = await cluster.SnapshotsAsync(cluster["m"]);
        Assert.Equal(2, Directory.GetFiles(snapshots, "*.index.json", SearchOption.AllDirectories).Length);

        await cluster.Client.DeleteModelAsync(cluster["m"], Cancellation);
        Assert.False(Directory.Exists(snapshots));
    }

    [Fact]
    public async Task A_coordinator_that_is_replaced_in_the_middle_of_a_snapshot_is_in_nobodys_way()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        MoEModel model = await CreateAsync(cluster);
        for (int coordinator = 1; coordinator <= 4; coordinator++)
        {
            // A snapshot has just begun.
            await TrainAsync(model, 3);
            CoordinatorLifeTests.DeactivateNext(cluster);
            await model.GetStatusAsync(Cancellation);
        }

        long step = model.Step;
        RunRecord record = await TrainUntilAsync(cluster, model, record => record.Snapshots is [{ Step: var older }, _] && older > step);
        Assert.Equal(2, Directory.GetFiles(await cluster.SnapshotsAsync(cluster["m"]), "*.index.json", SearchOption.AllDirectories).Length);
        Assert.All(record.Snapshots, mark => Assert.NotEmpty(Directory.GetFiles(mark.Place!)));
    }

    [Fact]
    public async Task A_snapshot_that_is_wanted_at_once_waits_for_the_one_that_is_being_sealed()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, new PlacementRequest { Silos = ["silo-0", "silo-1"] }, Cancellation);
        using var disk = new SlowIndexStore();
        cluster.Disk.Instead = disk;
        await TrainAsync(model, 3);
        long first = model.Step;
        while (!disk.HasBegun)
        {
            await TrainAsync(model, 1);
        }

        // A silo that was no member starts from a snapshot of the last step.
        await TrainAsync(model, 1);
        Task<MoEModel> joins = cluster.Client.CreateModelAsync(
            cluster["m"], Run, new PlacementRequest { Silos = ["silo-0", "silo-1", "silo-2"] }, Cancellation);
        Task early = await Task.WhenAny(joins, Task.Delay(300, Cancellation));
        Assert.NotSame(joins, early);
        disk.Go();
        await joins;
        RunRecord record = (await cluster.Store.ReadAsync(cluster["m"]))!;
        Assert.Equal([first, model.Step], record.Snapshots.Select(mark => mark.Step));
        Assert.Equal(2, record.Snapshots.Select(mark => mark.Place).Distinct().Count());
        await TrainAsync(model, 1);
        (await TrainingTrace.UndisturbedAsync(Run, (int)model.Step)).AssertEnd(await TrainingTrace.OfAsync(model, 0), "after a snapshot that took its time");
    }

    [Fact]
    public async Task Without_snapshots_a_lost_silo_is_named_and_what_to_do()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], snapshots: 0);
        MoEModel model = await CreateAsync(cluster);
        await TrainAsync(model, 2);
        await cluster.KillAsync(cluster.Silos.Silos[1]);

        ViewFailedException failed = await Assert.ThrowsAsync<ViewFailedException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 3), Cancellation));
        Assert.Contains("Restore the last checkpoint under another name", failed.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).Step);
    }

    [Fact]
    public async Task Expert_replicas_on_living_silos_make_a_loss_cost_nothing()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        int[][][] ranks = [.. Run.Model.Experts.Select(count => Enumerable.Range(0, count).Select(expert => new[] { expert % 3, (expert + 1) % 3 }).ToArray())];
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, new PlacementRequest { Ranks = ranks }, Cancellation);
        await TrainAsync(model, 5);
        await cluster.KillAsync(cluster.Silos.Silos[2]);
        var repeated = 0;
        cluster.Calls.Before = call =>
        {
            if (TrainingCalls.OrdersOf(call).OfType<PrepareCommand>().Any(prepare => prepare.Share.Step <= 5))
            {
                Interlocked.Increment(ref repeated);
            }
        };

        expected.AssertEnd(await TrainingTrace.OfAsync(model, Steps - 5), "with replicas");
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).Map!.Workers.Length);
        Assert.Equal(0, repeated);
    }

    [Fact]
    public async Task A_layer_of_a_caller_goes_back_to_its_last_snapshot_and_says_so()
    {
        await using TrainingCluster cluster = await RentAsync(3);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(
            cluster["m"], new LayerConfiguration { Dim = 12, Hidden = 10, Experts = 6 }, null, Cancellation);
        RunRecord record;
        do
        {
            await LearnAsync();
            record = (await cluster.Store.ReadAsync(cluster["m"]))!;
        }
        while (record.Snapshots.Length == 0 || record.Snapshots[^1].Step == layer.Step);
        await cluster.KillAsync(cluster.Silos.Silos[2]);

        RolledBackException back = await Assert.ThrowsAsync<RolledBackException>(LearnAsync);
        Assert.Equal(record.Snapshots[^1].Step, back.Step);
        Assert.Equal(back.Step, layer.Step);
        await LearnAsync();
        Assert.Equal(back.Step + 1, layer.Step);

        async Task LearnAsync()
        {
            float[] x = [.. Enumerable.Range(0, 12 * 8).Select(i => MathF.Sin(i))], y = new float[x.Length];
            await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
            await layer.BackwardAsync(y, y, Cancellation);
            await layer.ApplyAsync(Cancellation);
        }
    }

    private static Task<TrainingCluster> RentAsync(int silos) => TrainingCluster.RentAsync(TrainingCluster.DevicesOf(silos), snapshots: 3);

    private static Task<MoEModel> CreateAsync(TrainingCluster cluster) => cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);

    /// <summary>Snapshots come to disk beside the steps, whenever they do.</summary>
    private static async Task<RunRecord> TrainUntilAsync(TrainingCluster cluster, MoEModel model, Predicate<RunRecord> arrives)
    {
        RunRecord? record;
        do
        {
            await TrainAsync(model, 1);
            record = await cluster.Store.ReadAsync(cluster["m"]);
            Assert.True(model.Step < 2000, "There is no such snapshot after 2,000 steps.");
        }
        while (!arrives(record!));
        return record!;
    }

    private static async Task TrainAsync(MoEModel model, int steps) => await TrainingTrace.OfAsync(model, steps);
}
