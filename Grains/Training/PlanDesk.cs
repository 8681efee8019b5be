using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Placement.Policy;

namespace MoEActors.Grains.Training;

/// <summary>
/// Where the coordinator takes the director's plans, lands them piece by piece with its steps, and tells the director how they ended and
/// what each step's load was. It waits for nothing that the director does.
/// </summary>
internal sealed class PlanDesk(
    IGrainFactory grains, Members members, SwitchProtocol switching, Reign reign, MemoryCheck memory, RunConfiguration run, string model)
{
    private readonly long _shardBytes = 3L * sizeof(float) * ModelLayout.ExpertCount(run.Model);
    private PlanProposal? _proposal;
    private PlanSchedule? _schedule;
    private long _epoch;
    private double _copySeconds;
    private double _waitSeconds;

    private IDirectorGrain Director => grains.GetGrain<IDirectorGrain>(model);

    /// <summary>Takes a plan.</summary>
    /// <returns>Why it is refused; null when it is taken.</returns>
    public async Task<string?> TakeAsync(PlanProposal proposal)
    {
        if (_proposal is not null)
        {
            return $"Plan {_proposal.Number} is still landing.";
        }

        if (members.Map is not { } map || proposal.Epoch != members.Epoch)
        {
            return $"The placement is that of epoch {members.Epoch} by now, not of epoch {proposal.Epoch}.";
        }

        PlanSchedule schedule;
        try
        {
            (int Layer, LayerPlacement Target)[] targets =
                [.. proposal.Layers.Select(layer => (layer.Layer, new LayerPlacement(map.Workers.Length, layer.Ranks)))];
            LayerPlacement[] layers = LayersOf(map);
            Array.ForEach(targets, target => layers[target.Layer] = target.Target);
            await memory.RequireAsync(new PlacementMap(map.Version, map.Workers, layers), before: null);
            schedule = new PlanSchedule(targets, proposal.BytesPerStep / _shardBytes);
        }
        catch (Exception e) when (e is PlacementException or MemoryRefusedException)
        {
            return e.Message;
        }

        (_proposal, _schedule, _epoch, _copySeconds, _waitSeconds) = (proposal, schedule, proposal.Epoch, 0, 0);
        return null;
    }

    /// <summary>What lands with the next step; null for nothing.</summary>
    public async Task<PlacementSwitch?> NextAsync()
    {
        if (_proposal is null)
        {
            return null;
        }

        if (members.Epoch != _epoch)
        {
            Conclude(reign.Record.Step, $"The placement has become that of epoch {members.Epoch} meanwhile.");
            return null;
        }

        try
        {
            PlacementMap map = members.Map!;
            LayerPlacement[] layers = LayersOf(map);
            _schedule!.Advance(layers);
            PlacementSwitch? change = switching.To(new PlacementMap(map.Version, map.Workers, layers));
            if (change is not null)
            {
                // On the way a worker may hold more than at the end.
                await memory.RequireAsync(change.After, change.Before);
            }

            return change;
        }
        catch (Exception e) when (e is PlacementException or MemoryRefusedException)
        {
            Conclude(reign.Record.Step, e.Message);
            return null;
        }
    }

    /// <summary>A step has been decided, and with it what came along.</summary>
    public void Committed(long step, PlacementSwitch? change)
    {
        if (_proposal is null)
        {
            return;
        }

        if (change is not null)
        {
            _copySeconds += change.CopySeconds;
            _waitSeconds += change.WaitSeconds;
            if (change.Failure is { } failure)
            {
                Conclude(step, failure);
                return;
            }

            _epoch = change.After.Version;
            switching.Follow(change);
        }

        if (_schedule!.IsDone)
        {
            Conclude(step, failure: null);
        }
    }

    /// <summary>A step has failed, and with it what came along.</summary>
    public void Failed(string reason)
    {
        if (_proposal is not null)
        {
            Conclude(reign.Record.Step, reason);
        }
    }

    /// <summary>Tells the director what a step's load was.</summary>
    public void Report(StepOutcome outcome)
    {
        if (reign.Record.Director is null)
        {
            return;
        }

        Director.ObserveAsync(new StepLoad
        {
            Step = outcome.Step,
            Epoch = members.Epoch,
            Revision = reign.Record.DirectorRevision,
            Landing = _proposal?.Number ?? 0,
            Tokens = outcome.KeptTokens,
            Dropped = [.. outcome.ChosenTokens.Zip(outcome.KeptTokens, (chosen, kept) => chosen.Sum() - kept.Sum())],
            LayerSeconds = [.. outcome.KeptTokens.Select((_, layer) => outcome.Timings.Max(timing => timing.ExpertsBusy[layer]))],
        }).Ignore();
    }

    private static LayerPlacement[] LayersOf(PlacementMap map) => [.. Enumerable.Range(0, map.Layers).Select(map.PlacementOf)];

    private void Conclude(long step, string? failure)
    {
        Director.ConcludeAsync(
            new PlanConclusion(
                _proposal!.Number, step, _schedule!.ShardsMoved, failure, _copySeconds, _waitSeconds, _schedule.ShardsMoved * _shardBytes)).Ignore();
        (_proposal, _schedule) = (null, null);
    }
}
