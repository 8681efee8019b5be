using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using MoEActors.Grains.Experts;
using MoEActors.Grains.Gates;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Pinning;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;
using Orleans.GrainDirectory;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace MoEActors.Tests.Orleans;

/// <summary>What our grains rely on when they are placed.</summary>
public sealed class PlacementFactTests
{
    [Fact]
    public async Task A_pinned_grain_is_placed_from_the_memory_of_its_callers_silo()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        IReadOnlyList<EmbeddedSilo> silos = cluster.Silos.Silos;
        var itinerary = new Itinerary(cluster.Silos);
        itinerary.Tell(silos[1], 2);

        Assert.Equal(silos[2].Address, await itinerary.Traveller(0, silos[1]).Where());

        // A grain that is active is found by silos whose memory does not have it.
        Assert.Equal(silos[2].Address, await itinerary.Traveller(0, silos[0]).Where());
    }

    [Fact]
    public async Task What_a_director_throws_reaches_the_caller_and_the_next_call_asks_again()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        IReadOnlyList<EmbeddedSilo> silos = cluster.Silos.Silos;
        var itinerary = new Itinerary(cluster.Silos);
        itinerary.Tell(silos[1], 1);
        ITravellerGrain grain = itinerary.Traveller(0, silos[0]);

        PlacementRefusedException refused = await Assert.ThrowsAsync<PlacementRefusedException>(grain.Where);
        Assert.Contains("has no placement map", refused.Message, StringComparison.Ordinal);

        itinerary.Tell(1);
        Assert.Equal(silos[1].Address, await grain.Where());
    }

    [Fact]
    public async Task A_silo_that_membership_has_as_active_is_a_place_before_its_manifest_is_known()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        EmbeddedSilo here = cluster.Silos.Silos[0], there = cluster.Silos.Silos[1];
        var itinerary = new Itinerary(cluster.Silos);
        itinerary.Tell(here, 1);
        var director = ActivatorUtilities.CreateInstance<PinnedPlacementDirector>(here.Services);
        var target = new PlacementTarget(itinerary.Traveller(0, here).GetGrainId(), [], default, 0);

        // No context: what it could say about silos and manifests is not asked.
        Assert.Equal(there.Address, await director.OnAddActivation(new PinnedPlacement(), target, null!));
    }

    [Fact]
    public async Task Callers_on_all_silos_at_once_get_one_activation()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        var itinerary = new Itinerary(cluster.Silos);
        itinerary.Tell(1);

        Guid[] which = await Task.WhenAll(
            from silo in cluster.Silos.Silos from _ in Enumerable.Range(0, 10) select itinerary.Traveller(0, silo).Which());

        Assert.Single(which.Distinct());
    }

    [Fact]
    public void Every_grain_of_ours_names_its_directory_and_stays_when_it_is_idle()
    {
        Type[] grains = [.. typeof(ExpertGrain).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Grain)) && !type.IsAbstract)];

        // Stateless workers are in no directory.
        grains = [.. grains.Where(grain => grain.GetCustomAttribute<global::Orleans.Concurrency.StatelessWorkerAttribute>() is null)];
        Assert.Contains(typeof(GateGrain), grains);
        Assert.All(grains, grain =>
        {
            Assert.Equal(MoEGrainDirectory.Name, grain.GetCustomAttribute<GrainDirectoryAttribute>()?.GrainDirectoryName);
            Assert.NotNull(grain.GetCustomAttribute<KeepAliveAttribute>());
            Assert.NotNull(grain.GetCustomAttribute<ImmovableAttribute>());
        });
    }
}
