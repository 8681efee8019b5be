using System.Collections.Concurrent;
using MoEActors.Grains.Pinning;
using MoEActors.Tests.Support;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace MoEActors.Tests.Orleans;

public interface ITravellerGrain : IGrainWithStringKey
{
    Task<SiloAddress> Where();

    /// <summary>Which activation this is.</summary>
    Task<Guid> Which();

    Task Set(int value);

    Task<int> Get();

    Task<int> Add();

    /// <summary>Asks to be migrated, from inside.</summary>
    Task Go();

    Task Hold(string latch);

    /// <summary>As <see cref="Hold"/>, for a caller that has little time; counts afterwards.</summary>
    [ResponseTimeout("00:00:01")]
    Task HoldBriefly(string latch);

    Task Fail();
}

/// <summary>A grain as ours are (pinned, kept alive, in the named directory), which carries a number and fails where its plan says.</summary>
[PinnedPlacement]
[KeepAlive]
[Immovable]
[GrainDirectory(MoEGrainDirectory.Name)]
public sealed class TravellerGrain(ILocalSiloDetails silo) : Grain, ITravellerGrain, IGrainMigrationParticipant
{
    private readonly Guid _which = Guid.NewGuid();
    private int _value;

    private TravelPlan Plan => TravelPlan.Of(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        TravelPlan plan = Plan;
        plan.Note("activates");
        if (plan.RefusedOn?.Equals(silo.SiloAddress) == true)
        {
            plan.RefusedOn = null;
            throw new InvalidOperationException("not here");
        }

        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        TravelPlan plan = Plan;
        plan.Note("deactivates");
        await (plan.BeforeItLeaves?.PassAsync() ?? Task.CompletedTask);
        if (plan.FailsToDeactivate)
        {
            throw new InvalidOperationException("a bad end");
        }
    }

    public void OnDehydrate(IDehydrationContext dehydrationContext)
    {
        Plan.Note("dehydrates");
        dehydrationContext.TryAddValue("value", _value);
    }

    public void OnRehydrate(IRehydrationContext rehydrationContext)
    {
        Plan.Note("rehydrates");
        if (Plan.FailsToRehydrate)
        {
            throw new InvalidOperationException("a bad manifest");
        }

        rehydrationContext.TryGetValue("value", out _value);
    }

    public Task<SiloAddress> Where() => Task.FromResult(silo.SiloAddress);

    public Task<Guid> Which() => Task.FromResult(_which);

    public Task Set(int value)
    {
        _value = value;
        return Task.CompletedTask;
    }

    public Task<int> Get() => Task.FromResult(_value);

    public Task<int> Add() => Task.FromResult(++_value);

    public Task Go()
    {
        MigrateOnIdle();
        return Task.CompletedTask;
    }

    public Task Hold(string latch) => Latch.Of(latch).PassAsync();

    public async Task HoldBriefly(string latch)
    {
        await Latch.Of(latch).PassAsync();
        _value++;
    }

    public Task Fail() => throw new UnmarkedException("hidden");
}

/// <summary>What a traveller does on its way, and what goes wrong there. All silos are in this process, so that its key finds it.</summary>
internal sealed class TravelPlan
{
    private static readonly ConcurrentDictionary<string, TravelPlan> ByKey = new();

    private readonly ConcurrentQueue<string> _done = new();

    public bool FailsToDeactivate { get; set; }

    public bool FailsToRehydrate { get; set; }

    /// <summary>The silo where the next activation fails.</summary>
    public SiloAddress? RefusedOn { get; set; }

    /// <summary>Where the grain waits while it is being deactivated.</summary>
    public Latch? BeforeItLeaves { get; set; }

    /// <summary>What all activations of the grain have done, in order.</summary>
    public IReadOnlyCollection<string> Done => _done;

    public static TravelPlan Of(string key) => ByKey.GetOrAdd(key, _ => new TravelPlan());

    public void Note(string what) => _done.Enqueue(what);
}

/// <summary>An exception without a codec.</summary>
public sealed class UnmarkedException(string message) : Exception(message);
