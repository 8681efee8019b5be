using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Placement.Policy;

namespace MoEActors.Grains.Training;

/// <summary>
/// Carries out the director's plans, a piece with each step within a budget of bytes, and tells the director how they ended and what each step's load
/// was. It waits for nothing that the director does.
/// </summary>
internal sealed class PlanExecution(
    IGrainFactory grains, Members members, PlacementChangeProtocol changes, CoordinatorTerm term, MemoryAdmission memory, RunConfiguration run, string model)
{
    private readonly IDirectorProtocol _director = grains.GetGrain<IDirectorProtocol>(model);
    private readonly long _shardBytes = 3L * sizeof(float) * ModelLayout.ExpertCount(run.Model);
    private PlanProposal? _proposal;
    private PlanSchedule? _schedule;
    private long _view;
    private double _copySeconds;
    private double _waitSeconds;


    /// <summary>Takes a plan.</summary>
    /// <returns>Why it is refused; null when it is taken.</returns>
    public async Task<string?> TakeAsync(PlanProposal proposal)
    {
        if (_proposal is not null)
        {
            return $"Plan {_proposal.Number} is still being applied.";
        }

        if (members.Map is not { } map || proposal.View != members.View)
        {
            return $"The placement is that of view {members.View} by now, not of view {proposal.View}.";
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

        (_proposal, _schedule, _view, _copySeconds, _waitSeconds) = (proposal, schedule, proposal.View, 0, 0);
        return null;
    }

    /// <summary>The change that goes with the next step; null for nothing.</summary>
    public async Task<PendingPlacementChange?> NextAsync()
    {
        if (_proposal is null)
        {
            return null;
        }

        if (members.View != _view)
        {
            Conclude(term.Record.Step, $"The placement has become that of view {members.View} meanwhile.");
            return null;
        }

        try
        {
            PlacementMap map = members.Map!;
            LayerPlacement[] layers = LayersOf(map);
            _schedule!.Advance(layers);
            PendingPlacementChange? change = changes.To(new PlacementMap(map.Version, map.Workers, layers));
            if (change is not null)
            {
                // On the way a worker may hold more than at the end.
                await memory.RequireAsync(change.After, change.Before);
            }

            return change;
        }
        catch (Exception e) when (e is PlacementException or MemoryRefusedException)
        {
            Conclude(term.Record.Step, e.Message);
            return null;
        }
    }

    /// <summary>A step has been decided, and with it what came along.</summary>
    public void Committed(long step, PendingPlacementChange? change)
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

            _view = change.After.Version;
            changes.Follow(change);
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
            Conclude(term.Record.Step, reason);
        }
    }

    /// <summary>Tells the director what a step's load was, and what has changed with it.</summary>
    public void Report(StepOutcome outcome, PendingPlacementChange? change)
    {
        if (term.Record.Director is null)
        {
            return;
        }

        Tell(new StepLoad(
            outcome.Step, members.View, term.Record.DirectorRevision, outcome.KeptTokens,
            Dropped: [.. outcome.ChosenTokens.Zip(outcome.KeptTokens, (chosen, kept) => chosen.Sum() - kept.Sum())],
            Applying: _proposal?.Number ?? 0,
            Moved: change is { Failure: null } ? Moved(change) : null,
            LayerSeconds: [.. outcome.KeptTokens.Select((_, layer) => outcome.Timings.Max(timing => timing.ExpertsBusy[layer]))]), (director, load) => director.ObserveAsync(load));
    }

    private PlacementMoved Moved(PendingPlacementChange change) => new(
        change.Before.Version,
        [.. change.ChangedLayers.Select(layer => new LayerProposal(layer, change.After.PlacementOf(layer).Ranks()))],
        [.. change.After.Workers.Select(members.MemoryOf).Select(memory => memory.Budget - memory.Used)]);

    private static LayerPlacement[] LayersOf(PlacementMap map) => [.. Enumerable.Range(0, map.Layers).Select(map.PlacementOf)];

    private void Conclude(long step, string? failure)
    {
        Tell(
            new PlanConclusion(
                _proposal!.Number, step, _schedule!.ShardsMoved, failure, _copySeconds, _waitSeconds, _schedule.ShardsMoved * _shardBytes),
            (director, conclusion) => director.ConcludeAsync(conclusion));
        (_proposal, _schedule) = (null, null);
    }

    /// <summary>
    /// Sends the director a message once this turn has ended: in it the next step is sent, for which all members wait. A message takes 0.2 ms of the turn.
    /// </summary>
    private void Tell<T>(T message, Func<IDirectorProtocol, T, Task> send)
    {
        TellAsync().Ignore();

        async Task TellAsync()
        {
            await Task.Yield();
            await send(_director, message);
        }
    }
}
