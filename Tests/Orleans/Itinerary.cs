using Microsoft.Extensions.DependencyInjection;
using MoEActors.Grains.Interfaces;
using MoEActors.Placement.Map;
using MoEActors.Silo.Embedded;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Orleans;

/// <summary>Where travellers belong: the placement map of a model that has no shards, on the board of each silo.</summary>
internal sealed class Itinerary
{
    private static long LastMap;

    private readonly EmbeddedSilos _silos;
    private readonly WorkerId[] _workers;
    private readonly string _model = $"travel-{Guid.NewGuid():N}";

    /// <summary>Nobody belongs anywhere yet.</summary>
    public Itinerary(EmbeddedSilos silos)
    {
        _silos = silos;
        _workers = [.. silos.Silos.Select(silo => new WorkerId(silo.Address.ToParsableString(), 0))];
    }

    /// <summary>Tells all silos that run where every traveller belongs.</summary>
    /// <param name="silos">By traveller: the place of its silo among the silos of the beginning.</param>
    public void Tell(params int[] silos)
    {
        foreach (EmbeddedSilo one in _silos.Silos)
        {
            Tell(one, silos);
        }
    }

    /// <summary>Tells one silo.</summary>
    public void Tell(EmbeddedSilo whom, params int[] silos) => whom.Services.GetRequiredService<PlacementMapCache>()
        .Install(_model, new PlacementMap(Interlocked.Increment(ref LastMap), _workers, new IReadOnlyList<int>[] { silos }));

    /// <summary>A traveller, called from a silo.</summary>
    public ITravellerGrain Traveller(int number, EmbeddedSilo from) =>
        from.Services.GetRequiredService<IGrainFactory>().GetGrain<ITravellerGrain>(Key(number));

    /// <summary>The key of a traveller.</summary>
    public string Key(int number) => GrainKeys.Expert(_model, new ShardId(0, number));

    /// <summary>What a traveller does on its way.</summary>
    public TravelPlan PlanOf(int number) => TravelPlan.Of(Key(number));

    /// <summary>Whether a grain is one of these travellers.</summary>
    public bool Has(GrainId grain) => grain.Key.ToString()!.StartsWith(_model + "/", StringComparison.Ordinal);
}
