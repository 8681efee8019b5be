using System.Diagnostics;
using MoEActors.Client;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Placement.Map;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Training does not notice that a silo outside of the epoch goes, or that its coordinator starts anew.</summary>
public sealed class CoordinatorLifeTests
{
    private const int Steps = 8;
    private const string Model = "m";

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_silo_outside_of_the_epoch_that_leaves_in_the_middle_of_a_step_goes_unnoticed(bool kill)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        EmbeddedSilo home = await HomeAsync(cluster);
        var members = new PlacementRequest { Silos = [.. cluster.Silos.Silos.Where(silo => silo.Index != home.Index).Select(silo => silo.Name)] };
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster[Model], Run, members, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        long term = (await model.GetStatusAsync(Cancellation)).Term;

        Task held = cluster.DataPlane.HoldAt(rank: 1, calls: 50);
        Task<TrainingTrace> training = TrainingTrace.OfAsync(model, Steps - 1);
        await held;
        Task leaving = kill ? cluster.KillAsync(home) : cluster.Silos.StopAsync(home, Cancellation);
        if (kill)
        {
            await leaving;
        }

        cluster.DataPlane.Release();
        await leaving;

        AssertContinues(expected, await training, from: 1);
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.True(status.Term > term, $"The coordinator that lived on {home} is still in term {status.Term}.");
        Assert.Equal(Steps, status.Step);
        Assert.Equal(1, status.View);

        // Some healthy grains went with it; called, they come back where they were.
        PlacementMap map = status.Map!;
        await Task.WhenAll(map.Shards.Select(shard => cluster.Silos.Client.GetGrain<IExpertGrain>(GrainKeys.Expert(cluster[Model], shard)).GetStatusAsync()));
        await Task.WhenAll(
            from layer in Run.Model.MoELayers
            from rank in Enumerable.Range(0, map.Workers.Length)
            select cluster.Silos.Client.GetGrain<IGateGrain>(GrainKeys.Gate(cluster[Model], layer, rank)).GetStatusAsync());
        await ActivationTests.AssertAtHomeAsync(cluster, model);
    }

    /// <summary>As when a machine is frozen: its connections stay, and what waits for it in the data plane would wait for half a minute.</summary>
    [Fact]
    public async Task A_member_that_is_declared_dead_with_its_coordinator_holds_nobody_up()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1, 1], snapshots: 3);
        EmbeddedSilo home = await HomeAsync(cluster);
        string[] names = [.. cluster.Silos.Silos.Where(silo => silo.Index != home.Index).Append(home).Select(silo => silo.Name)];
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster[Model], Run, new PlacementRequest { Silos = names }, Cancellation);
        Task held = cluster.DataPlane.HoldAt(rank: 2, calls: 50);
        Task<TrainingTrace> training = TrainingTrace.OfAsync(model, Steps);
        await held;
        long begun = Stopwatch.GetTimestamp();
        await cluster.FreezeAsync(home);

        expected.AssertSame(await training, "with a member and coordinator that froze");
        TimeSpan elapsed = Stopwatch.GetElapsedTime(begun);
        Assert.True(elapsed < CommunicatorSpec.DefaultProgressDeadline / 2, $"It took {elapsed}.");
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).Map!.Workers.Length);
    }

    [Fact]
    public async Task A_coordinator_that_is_deactivated_in_the_middle_of_a_step_goes_on_elsewhere()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster[Model], Run, null, Cancellation);
        Task held = cluster.DataPlane.HoldAt(rank: 0, calls: 120);
        Task<TrainingTrace> training = TrainingTrace.OfAsync(model, Steps);
        await held;
        DeactivateNext(cluster);
        await model.GetStatusAsync(Cancellation);
        cluster.DataPlane.Release();

        expected.AssertSame(await training, "with a new coordinator");
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.True(status.Term > 1, "The coordinator is still the first.");
        Assert.Equal(Steps, status.Step);
    }

    [Fact]
    public async Task A_coordinator_that_is_deactivated_again_and_again_loses_no_step()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster[Model], Run, null, Cancellation);
        int calls = 0;
        cluster.Calls.Before = call =>
        {
            if (call.Grain is ITrainingGrain and IGrainBase grain && Interlocked.Increment(ref calls) % 3 == 0)
            {
                grain.DeactivateOnIdle();
            }
        };
        TrainingTrace trace = await TrainingTrace.OfAsync(model, Steps);
        cluster.Calls.Before = null;

        expected.AssertSame(trace, "with many coordinators");
        Assert.Equal(Steps, (await model.GetStatusAsync(Cancellation)).Step);
    }

    [Fact]
    public async Task A_ticket_of_an_earlier_activation_means_nothing_to_the_next()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster[Model], Run, null, Cancellation);
        ITrainingGrain grain = cluster.Silos.Client.GetGrain<ITrainingGrain>(cluster[Model]);
        long ticket = await grain.SubmitAsync(new FingerprintRequest());
        DeactivateNext(cluster);
        await model.GetStatusAsync(Cancellation);
        for (int i = 0; i < 4; i++)
        {
            await model.FingerprintAsync(Cancellation);
        }

        await Assert.ThrowsAsync<TicketLostException>(() => grain.WaitAsync(ticket, TimeSpan.FromSeconds(1)));
    }

    internal static void DeactivateNext(TrainingCluster cluster) => cluster.Calls.Before = call =>
    {
        if (call.Grain is ITrainingGrain and IGrainBase grain)
        {
            cluster.Calls.Before = null;
            grain.DeactivateOnIdle();
        }
    };

    /// <summary>The silo on which the model's coordinator lives, before there is a model.</summary>
    internal static async Task<EmbeddedSilo> HomeAsync(TrainingCluster cluster)
    {
        ITrainingGrain grain = cluster.Silos.Client.GetGrain<ITrainingGrain>(cluster[Model]);
        await Assert.ThrowsAsync<ModelNotFoundException>(grain.GetStatusAsync);
        SiloAddress? address = await cluster.Silos.Client.GetGrain<IManagementGrain>(0).GetActivationAddress(grain);
        return cluster.Silos.Silos.Single(silo => silo.Address.Equals(address));
    }

    private static void AssertContinues(TrainingTrace expected, TrainingTrace actual, int from) =>
        (expected with { Losses = expected.Losses[from..], Norms = expected.Norms[from..] }).AssertSame(actual, "after a silo left");
}
