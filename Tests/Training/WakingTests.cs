using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Models come back without anybody who calls them.</summary>
public sealed class WakingTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_model_whose_silos_die_comes_back_without_a_client_and_one_that_was_stopped_does_not()
    {
        await using TrainingCluster cluster = await TrainingCluster.StartAsync(new ClusterShape([1, 1, 1], snapshots: 3, configure: WakeSoon));
        MoEModel left = await cluster.Client.CreateModelAsync("left", Run, null, Cancellation);
        MoEModel stopped = await cluster.Client.CreateModelAsync("stopped", Run, null, Cancellation);
        await TrainingTrace.OfAsync(left, 4);
        await TrainingTrace.OfAsync(stopped, 2);
        await cluster.Client.StopModelAsync("stopped", Cancellation);
        RunRecord before = (await cluster.Store.ReadAsync("left"))!;
        long view = (await cluster.Store.ReadAsync("stopped"))!.View;

        // First the silo that has the coordinator, then another one.
        SiloAddress? home = await cluster.Silos.Client.GetGrain<IManagementGrain>(0).GetActivationAddress(cluster.Silos.Client.GetGrain<ITrainingGrain>("left"), Cancellation);
        foreach (EmbeddedSilo silo in cluster.Silos.Silos.OrderByDescending(silo => silo.Address.Equals(home)).Take(2).ToArray())
        {
            await cluster.KillAsync(silo);
            string[] dead = [silo.Address.ToParsableString()];
            await Deadline.UntilAsync(
                async () =>
                {
                    await Task.Delay(20, Cancellation);
                    RunRecord now = (await cluster.Store.ReadAsync("left"))!;
                    return now.Recovery is null && !now.Map!.Workers.Any(worker => dead.Contains(worker.Silo)) && cluster.Silos.Silos.All(one => cluster.Host(one.Index).VersionOf("left") == 4);
                },
                "the model has come back");
        }

        RunRecord last = (await cluster.Store.ReadAsync("left"))!;
        Assert.True(last.Term > before.Term, $"The coordinator's silo has died, and it is still that of term {before.Term}.");
        Assert.Equal((view, true), ((await cluster.Store.ReadAsync("stopped"))!.View, (await cluster.Store.ReadAsync("stopped"))!.IsStopped));
        (await TrainingTrace.UndisturbedAsync(Run, 6)).AssertEnd(await TrainingTrace.OfAsync(left, 2), "that was left alone");
    }

    private static void WakeSoon(ISiloBuilder silo) =>
        silo.Services.Replace(ServiceDescriptor.Singleton(new WakingPace(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100))));
}
