using Microsoft.Extensions.DependencyInjection;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;
using Orleans.Configuration;

namespace MoEActors.Tests.Orleans;

/// <summary>What a silo that leaves does to the others.</summary>
public sealed class LeavingSiloFactTests
{
    private const int Travellers = 200;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_takes_no_grain_of_another_with_it_and_its_own_come_back_where_the_map_says(bool kill)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1, 1], configure: Probe);
        EmbeddedSilo leaving = cluster.Silos.Silos[1], stays = cluster.Silos.Silos[2];
        var itinerary = new Itinerary(cluster.Silos);
        int[] places = [.. Enumerable.Range(0, Travellers).Select(number => number % 3)];
        itinerary.Tell(places);
        ITravellerGrain[] grains = [.. places.Select((_, number) => itinerary.Traveller(number, stays))];
        Guid[] before = await Task.WhenAll(grains.Select(grain => grain.Which()));
        using var watch = new ActivationWatch(itinerary.Has);

        await (kill ? cluster.Silos.KillAsync(leaving, Cancellation) : cluster.Silos.StopAsync(leaving, Cancellation));
        itinerary.Tell([.. places.Select(place => place == 1 ? 2 : place)]);
        Guid[] after = await Task.WhenAll(grains.Select(grain => grain.Which()));

        Assert.All(places.Zip(before, after), one => Assert.Equal(one.First != 1, one.Second == one.Third));
        Assert.DoesNotContain(watch.Entries, entry => entry.What.StartsWith("deactivat", StringComparison.Ordinal) && !entry.Silo.Equals(leaving.Address));
        Assert.Equal(stays.Address, await grains[1].Where());
    }

    [Fact]
    public async Task Calls_in_flight_to_a_silo_that_is_killed_fail_at_once_and_so_do_those_that_come_later_to_its_service()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], configure: Probe);
        EmbeddedSilo here = cluster.Silos.Silos[0], there = cluster.Silos.Silos[1];
        var itinerary = new Itinerary(cluster.Silos);
        itinerary.Tell(1, 0);
        ITravellerGrain alive = itinerary.Traveller(1, here), fromTheDead = itinerary.Traveller(1, there);
        Guid which = await alive.Which();
        ILatchService service = here.Services.GetRequiredService<ILatchServiceClient>().On(there.Address);
        Latch inGrain = Latch.New(), inService = Latch.New();
        Task toGrain = itinerary.Traveller(0, here).Hold(inGrain.Name), toService = service.Hold(inService.Name);
        await inGrain.Reached;
        await inService.Reached;

        await cluster.Silos.KillAsync(there, Cancellation);

        // Long before their response timeout, which is half a minute.
        await Deadline.WithinAsync(Task.WhenAny(toGrain), "a call to a grain of a killed silo ends", TimeSpan.FromSeconds(15));
        await Deadline.WithinAsync(Task.WhenAny(toService), "a call to the service of a killed silo ends", TimeSpan.FromSeconds(15));
        await Assert.ThrowsAsync<SiloUnavailableException>(() => toGrain);
        await Assert.ThrowsAsync<SiloUnavailableException>(() => toService);
        await Assert.ThrowsAsync<SiloUnavailableException>(service.Where);

        // What the dead one still does reaches nobody.
        Assert.NotNull(await Record.ExceptionAsync(fromTheDead.Add));
        Assert.Equal((which, 0), (await alive.Which(), await alive.Get()));
    }

    /// <summary>As silos of one process do, unless tests keep them from it.</summary>
    private static void Probe(ISiloBuilder silo) =>
        silo.Configure<ClusterMembershipOptions>(membership => membership.ProbeTimeout = membership.MaxProbeTimeout = TimeSpan.FromSeconds(1));
}
