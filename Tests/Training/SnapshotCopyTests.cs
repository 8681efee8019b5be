using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;

namespace MoEActors.Tests.Training;

/// <summary>What a silo takes with it is in the memory of others: a run comes back without its snapshots' place, as long as one of the two copies lives.</summary>
public sealed class SnapshotCopyTests
{
    private const int Before = 4;

    private const int Steps = 7;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(0), InlineData(2), InlineData(3), InlineData(1, 3)]
    public async Task Silos_that_are_no_neighbours_are_made_up_for_from_memory(params int[] lost)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(4);
        await LoseAsync(cluster, lost, fromMemory: true, forgetsPlace: true);
    }

    [Theory, InlineData(1, 2), InlineData(3, 0)]
    public async Task Neighbours_that_are_lost_together_are_made_up_for_from_the_snapshots_place(params int[] lost)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(4);
        await LoseAsync(cluster, lost, fromMemory: false, forgetsPlace: false);
    }

    [Fact]
    public async Task Silos_of_several_devices_that_share_no_memory_bring_each_other_back()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([2, 1, 1], configure: ReachOverTcp);
        await LoseAsync(cluster, [0], fromMemory: true, forgetsPlace: true);
    }

    [Fact]
    public async Task A_second_silo_that_dies_while_others_start_from_memory_is_made_up_for_too()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(4);
        (MoEModel model, ConcurrentBag<OpenViewCommand> opened) = await BeginAsync(cluster);
        await ForgetPlaceAsync(cluster);
        await cluster.KillAsync(cluster.Silos.Silos[3]);
        Task held = cluster.DataPlane.HoldSnapshotAt(rank: 0, calls: 1);
        Task<TrainingTrace> training = TrainingTrace.OfAsync(model, Steps - Before);
        await held;
        await cluster.KillAsync(cluster.Silos.Silos[1]);
        cluster.DataPlane.Release();

        (await TrainingTrace.UndisturbedAsync(Run, Steps)).AssertEnd(await training, "with a silo that died while others started from memory");
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).Map!.Workers.Length);
        Assert.All(opened, open => Assert.NotNull(open.Copies));
    }

    [Theory, InlineData(0), InlineData(2)]
    public async Task A_neighbour_that_dies_while_it_receives_is_in_no_steps_way(int calls)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel model = await CreateAsync(cluster);
        await TrainingTrace.OfAsync(model, Before - 1);
        Task held = cluster.DataPlane.HoldSnapshotAt(rank: 0, calls);
        Task<long> snapshot = model.SnapshotAsync(Cancellation);
        await held;
        await cluster.KillAsync(cluster.Silos.Silos[1]);
        cluster.DataPlane.Release();

        // It is taken by those who are left.
        Assert.Equal(Before - 1, await snapshot);
        (await TrainingTrace.UndisturbedAsync(Run, Steps)).AssertEnd(await TrainingTrace.OfAsync(model, Steps - Before + 1), "with a neighbour that died");
    }

    [Fact]
    public async Task Copies_that_could_not_be_sent_are_read_from_the_snapshots_place()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(4);
        cluster.DataPlane.FailSnapshotAt(rank: 2, calls: 1, new InvalidDataException("the copy was torn"));
        await LoseAsync(cluster, [2], fromMemory: false, forgetsPlace: false);
    }

    [Fact]
    public async Task The_copies_of_the_last_snapshot_stay_until_there_is_another()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel model = await CreateAsync(cluster);
        await TrainingTrace.OfAsync(model, 1);
        await model.SnapshotAsync(Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        await model.SnapshotAsync(Cancellation);
        RunRecord record = (await cluster.Store.ReadAsync(cluster["m"]))!;
        Assert.Equal(record.Snapshots.Select(mark => mark.Tag!).Order(), await TagsAsync());

        // One that cannot be written is no snapshot: its copies are the first to go.
        await TrainingTrace.OfAsync(model, 1);
        cluster.Disk.Instead = new FullDiskFileStore { Room = 0 };
        await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SnapshotAsync(Cancellation));
        cluster.Disk.Instead = null;
        await TrainingTrace.OfAsync(model, 1);
        await model.SnapshotAsync(Cancellation);
        SnapshotMark[] after = (await cluster.Store.ReadAsync(cluster["m"]))!.Snapshots;
        Assert.Equal(record.Snapshots[^1], after[0]);
        Assert.Equal(after.Select(mark => mark.Tag!).Order(), await TagsAsync());

        // Every worker has what it writes and what its neighbour writes: all of it twice.
        HeldCopies[] held = [.. (await InventoriesAsync()).SelectMany(inventory => inventory.Copies).SelectMany(copies => copies).Where(copies => copies.Tag == after[^1].Tag)];
        Assert.Equal(2, held.Count(copies => copies.Dense));
        Assert.Equal(2 * Run.Model.Experts.Sum(), held.Sum(copies => copies.Experts.Length));

        async Task<IEnumerable<string>> TagsAsync() =>
            (await InventoriesAsync()).SelectMany(inventory => inventory.Copies).SelectMany(copies => copies).Select(copies => copies.Tag).Distinct().Order();

        async Task<HostInventory[]> InventoriesAsync() => await Task.WhenAll(
            Enumerable.Range(0, 3).Select(silo => cluster.Host(silo).GetInventoryAsync(cluster["m"], record.Term)));
    }

    /// <summary>Takes a snapshot, learns on, loses silos, and learns on as if nothing had been.</summary>
    private static async Task LoseAsync(TrainingCluster cluster, int[] lost, bool fromMemory, bool forgetsPlace)
    {
        (MoEModel model, ConcurrentBag<OpenViewCommand> opened) = await BeginAsync(cluster);
        if (forgetsPlace)
        {
            await ForgetPlaceAsync(cluster);
        }

        EmbeddedSilo[] silos = [.. lost.Select(index => cluster.Silos.Silos.Single(silo => silo.Index == index))];
        await cluster.KillAsync(silos);
        TrainingTrace end = await TrainingTrace.OfAsync(model, Steps - Before);

        (await TrainingTrace.UndisturbedAsync(Run, Steps)).AssertEnd(end, "after a loss");
        Assert.NotEmpty(opened);
        Assert.All(opened, open => Assert.Equal((Before - 1, fromMemory), (open.Version, open.Copies is not null)));
    }

    /// <summary>A model with a snapshot, one step behind it, and the views that all members begin anew.</summary>
    private static async Task<(MoEModel Model, ConcurrentBag<OpenViewCommand> Opened)> BeginAsync(TrainingCluster cluster)
    {
        MoEModel model = await CreateAsync(cluster);
        await TrainingTrace.OfAsync(model, Before - 1);
        await model.SnapshotAsync(Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        ConcurrentBag<OpenViewCommand> opened = [];
        cluster.Calls.Before = call =>
        {
            foreach (OpenViewCommand open in TrainingCalls.OrdersOf(call).OfType<OpenViewCommand>().Where(open => open.Anew))
            {
                opened.Add(open);
            }
        };
        return (model, opened);
    }

    private static async Task ForgetPlaceAsync(TrainingCluster cluster) => Directory.Delete(await cluster.SnapshotsAsync(cluster["m"]), recursive: true);

    private static Task<MoEModel> CreateAsync(TrainingCluster cluster) => cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);

    private static void ReachOverTcp(ISiloBuilder silo) => silo.Services.Replace(
        ServiceDescriptor.Singleton<ICommunicatorProvider>(_ => new TcpCommunicatorProvider(new TcpOptions { Secret = "a secret of silos in a test" })));
}
