using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;
using Orleans.Core.Internal;
using Orleans.Runtime.Placement;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>A grain that sits on one silo, carries the number 7, and has another silo to go to.</summary>
public sealed record Journey(string Key, ITravelGrain Grain, SiloAddress From, SiloAddress To)
{
    public Diary Diary => Diary.Of(Key);

    public string[] Whats => [.. Diary.Entries.Select(entry => entry.What)];

    public static async Task<Journey> BeginAsync(EmbeddedSilos silos, TravelPlan? plan = null)
    {
        string key = Gate.NewName();
        (EmbeddedSilo from, EmbeddedSilo to) = (silos.Silos[0], silos.Silos[1]);
        PinnedPlacementDirector.Map[key] = from.Address;
        Diary.Of(key).Plan = plan ?? new TravelPlan();

        // Called from the silo that it leaves, for other silos of Orleans may remember a while where it was.
        var journey = new Journey(key, from.Grains().GetGrain<ITravelGrain>(key), from.Address, to.Address);
        await journey.Grain.Set(7);
        return journey;
    }

    /// <summary>Asks for the move from outside.</summary>
    public async Task SendAsync(SiloAddress to)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, to);
        try
        {
            await Grain.AsReference<IGrainManagementExtension>().MigrateOnIdle();
        }
        finally
        {
            RequestContext.Remove(IPlacementDirector.PlacementHintKey);
        }
    }
}
