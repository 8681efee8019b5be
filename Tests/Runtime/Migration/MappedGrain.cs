using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>A grain as the product's are: its place is in the map and nowhere else, and no balancer may move it.</summary>
[Mapped]
[KeepAlive]
[Immovable]
public sealed class MappedGrain(ILocalSiloDetails silo) : Grain, IMappedGrain, IGrainMigrationParticipant
{
    private int _value;

    public void OnDehydrate(IDehydrationContext dehydrationContext) => dehydrationContext.TryAddValue("value", _value);

    public void OnRehydrate(IRehydrationContext rehydrationContext) => rehydrationContext.TryGetValue("value", out _value);

    public Task Set(int value)
    {
        _value = value;
        return Task.CompletedTask;
    }

    public Task<int> Get() => Task.FromResult(_value);

    public Task<SiloAddress> Where() => Task.FromResult(silo.SiloAddress);

    public Task Go(SiloAddress? hint)
    {
        if (hint is not null)
        {
            RequestContext.Set(IPlacementDirector.PlacementHintKey, hint);
        }

        MigrateOnIdle();
        return Task.CompletedTask;
    }
}
