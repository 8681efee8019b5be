using MoEActors.Tests.Runtime.Grains;
using Orleans.Runtime.Placement;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>A grain that takes its number along, keeps a diary, and fails where its plan says.</summary>
[Pinned]
public sealed class TravelGrain(ILocalSiloDetails silo) : Grain, ITravelGrain, IGrainMigrationParticipant, IAsyncDisposable
{
    private readonly Guid _which = Guid.NewGuid();
    private int _value;
    private int _ticks;

    private Diary Diary => Diary.Of(this.GetPrimaryKeyString());

    private TravelPlan Plan => Diary.Plan;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (Plan.RefusedOn == silo.SiloAddress)
        {
            Diary.Plan = Plan with { RefusedOn = null };
            Note("refused");
            throw new InvalidOperationException("not here");
        }

        Note("activated");
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Note("deactivated: " + reason.ReasonCode);
        int ticks = _ticks;
        if (Plan.Gate is { } gate)
        {
            await Gate.Of(gate).PassAsync();
        }

        if (_ticks != ticks)
        {
            Note("ticked while it was leaving");
        }

        if (Plan.FailsToDeactivate)
        {
            throw new InvalidOperationException("a bad end");
        }
    }

    public void OnDehydrate(IDehydrationContext dehydrationContext)
    {
        Note("dehydrated");
        dehydrationContext.TryAddValue("value", _value);
        Plan.Pack?.Invoke(dehydrationContext);
        if (Plan.FailsToDehydrate)
        {
            throw new InvalidOperationException("a bad packer");
        }

        dehydrationContext.TryAddValue("last", true);
    }

    public void OnRehydrate(IRehydrationContext rehydrationContext)
    {
        Note("rehydrated");
        if (Plan.FailsToRehydrate)
        {
            throw new InvalidOperationException("a bad unpacker");
        }

        rehydrationContext.TryGetValue("value", out _value);
        if (!rehydrationContext.TryGetValue("last", out bool last) || !last)
        {
            Note("lost the last");
        }

        Plan.Unpack?.Invoke(rehydrationContext);
    }

    public ValueTask DisposeAsync()
    {
        Note("disposed");
        return ValueTask.CompletedTask;
    }

    public Task Set(int value)
    {
        _value = value;
        return Task.CompletedTask;
    }

    public Task<int> Get() => Task.FromResult(_value);

    public Task<int> Add() => Task.FromResult(++_value);

    public Task<SiloAddress> Where() => Task.FromResult(silo.SiloAddress);

    public Task<Guid> Which() => Task.FromResult(_which);

    public Task Go(SiloAddress? hint)
    {
        if (hint is not null)
        {
            RequestContext.Set(IPlacementDirector.PlacementHintKey, hint);
        }

        MigrateOnIdle();
        return Task.CompletedTask;
    }

    public Task LeaveAndGo(SiloAddress hint)
    {
        DeactivateOnIdle();
        return Go(hint);
    }

    public Task StartChore(string gate)
    {
        DoChoreAsync(gate).Ignore();
        return Task.CompletedTask;
    }

    public Task StartTicking()
    {
        this.RegisterGrainTimer(
            () =>
            {
                _ticks++;
                return Task.CompletedTask;
            },
            TimeSpan.FromMilliseconds(1),
            TimeSpan.FromMilliseconds(1));
        return Task.CompletedTask;
    }

    private async Task DoChoreAsync(string gate)
    {
        await Gate.Of(gate).PassAsync();
        Note($"did a chore with {_value}");
    }

    private void Note(string what) => Diary.Note(what, silo.SiloAddress);
}
