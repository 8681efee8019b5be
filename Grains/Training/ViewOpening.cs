using System.Diagnostics;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Telemetry;
using MoEActors.Placement.Planners;

namespace MoEActors.Grains.Training;

/// <summary>
/// Opens views of new members. Where every expert is on a worker that is up to date, it stays where the inventory found it: the map is written down and
/// pushed to every silo, the members wire themselves, an inventory confirms it, and grains are activated; then the placement changes to the one
/// wished for, as among members that stay. Where one is lost, all members start from the last snapshot (<see cref="RunRecovery"/>).
/// </summary>
internal sealed class ViewOpening(
    SiloNames silos, ViewCandidates candidates, Members members, CommitProtocol commits, PlacementChangeProtocol changes, GrainActivation activation,
    RunRecovery recovery, SnapshotKeeper snapshots, CoordinatorTerm term, MemoryAdmission memory, RunConfiguration run, RunEvents events)
{
    /// <summary>Opens the next view, unless the one that is open is the one wished for.</summary>
    /// <param name="wanted">A placement wished for; null to keep what there is, and for the static one at first.</param>
    /// <exception cref="PlacementRefusedException">The placement cannot work.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; a view that is open goes on.</exception>
    /// <exception cref="ViewFailedException">A member failed on the way.</exception>
    /// <exception cref="PlacementChangeFailedException">A view is open, but experts could not be moved to where the wish has them.</exception>
    /// <exception cref="RolledBackException">A view is open, of a layer that had to go back to its last snapshot.</exception>
    public async Task OpenAsync(PlacementRequest? wanted)
    {
        try
        {
            ClusterInventory inventory = wanted is null
                ? await candidates.TakeInventoryAsync()
                : await ClusterInventory.TakeAsync(members, silos.Addresses(wanted.Silos));
            if (wanted is null)
            {
                inventory = WithoutStrangers(inventory);
            }

            RequireOneKind(inventory);
            await CatchUpAsync(inventory);
            PlacementMap wish = Wish(wanted, inventory);
            if (Found(inventory, wish, mayRecover: members.Map is null) is not { } found)
            {
                await RecoverAsync(wish, inventory);
                return;
            }

            if (members.Map is not { } open || !open.IsPlacedAs(found))
            {
                // With every shard where it is: there must be members to copy through.
                await memory.RequireAsync(found, before: null);
                await events.TraceAsync("moe.view.open", term.Record.Step, () => OpenAsync(found, inventory), term.Record.View + 1);
            }

            await changes.RunAsync(wish);
        }
        catch (PlacementException e)
        {
            throw new PlacementRefusedException(e.Message);
        }
    }

    /// <summary>Devices of different kinds differ in the last bits of what they compute, and their memories reach each other through no transport of ours.</summary>
    private static void RequireOneKind(ClusterInventory inventory)
    {
        (string Silo, string Kind)[] kinds = [.. inventory.Hosts.Select(host => (host.Silo, host.Inventory.Kind)).DistinctBy(host => host.Kind)];
        if (kinds.Length > 1)
        {
            throw new PlacementException(
                $"Silo {kinds[0].Silo} computes on {kinds[0].Kind}, silo {kinds[1].Silo} on {kinds[1].Kind}: one model's workers are all of one kind. Name silos of one kind for it.");
        }
    }

    /// <summary>
    /// Members can be ahead of what is written down only where the store has forgotten its tail: they are right, as long as they have every expert.
    /// </summary>
    private async Task CatchUpAsync(ClusterInventory inventory)
    {
        long step = term.Record.Step, ahead = inventory.Hosts.Select(host => host.Inventory.Version).DefaultIfEmpty().Max();
        if (ahead <= step || recovery.IsDue)
        {
            return;
        }

        if (!inventory.Where(host => host.Version == ahead).HoldsAll(run.Model.Experts))
        {
            throw new ViewFailedException(
                $"Silos hold model '{term.Model}' at step {ahead}, and not all of its experts; the store has it at step {step}. The store has forgotten what it had acknowledged, and a silo is gone, too: steps {step + 1} to {ahead} are lost. Bring back one of them, or restore the last checkpoint under another name.");
        }

        events.StoreBehind(step, ahead);
        term.HasForgetfulStore = true;
        await term.WriteAsync(term.Record with { Step = ahead, LoggedFrom = ahead });
    }

    private PlacementMap Wish(PlacementRequest? wanted, ClusterInventory inventory)
    {
        long version = term.Record.View + 1;
        PlacementMap map = wanted is { Ranks.Length: > 0 } ? PlacementMap.OfReplicas(version, inventory.Workers, wanted.Ranks)
            : wanted is null && term.Record.Map is { } before ? SurvivorPlanner.Plan(version, before, inventory.Workers)
            : StaticPlanner.Plan(version, inventory.Workers, run.Model.Experts);
        map.ValidateAgainst(run.Model.Experts);
        return map;
    }

    /// <summary>Whether every shard is made anew wherever it is placed: from the seed, or from a checkpoint that no worker has loaded yet.</summary>
    private bool ComesIntoBeing(ClusterInventory inventory) =>
        term.Record.Step == 0
        || (term.Record.CheckpointStep == term.Record.Step && term.Record.Checkpoint is not null
            && inventory.Hosts.All(host => host.Inventory.Version != term.Record.Step));

    /// <summary>
    /// Silos that are not at the last step cannot join those that are, unless a snapshot of that step is there to start from: dense parameters are not
    /// copied. They are welcome when one is.
    /// </summary>
    private ClusterInventory WithoutStrangers(ClusterInventory inventory)
    {
        if (recovery.IsDue || snapshots.IsCurrent)
        {
            return inventory;
        }

        ClusterInventory current = inventory.Where(host => host.Version == term.Record.Step);
        return current.Hosts.Count > 0 && current.HoldsAll(run.Model.Experts) ? current : inventory;
    }

    /// <summary>The wish's workers with every expert where it was found; null when one was lost and has to be computed again.</summary>
    private PlacementMap? Found(ClusterInventory inventory, PlacementMap wish, bool mayRecover)
    {
        if (recovery.IsDue)
        {
            return null;
        }

        if (ComesIntoBeing(inventory))
        {
            return wish;
        }

        long step = term.Record.Step;
        ClusterInventory current = inventory.Where(host => host.Version == step);
        if (mayRecover && !(current.HoldsAll(run.Model.Experts) && (snapshots.IsCurrent || current.Hosts.Count == inventory.Hosts.Count)))
        {
            return null;
        }

        if (!snapshots.IsCurrent && inventory.Hosts.Select(host => host.Silo).Except(current.Hosts.Select(host => host.Silo)).FirstOrDefault() is { } stranger)
        {
            throw new PlacementException(
                $"Silo {stranger} does not hold model '{term.Model}' at step {step}: after the first step only its members can go on, and no snapshot of that step can be taken.");
        }

        return current.AsFound(wish, term.Record.Map!);
    }

    private async Task OpenAsync(PlacementMap placement, ClusterInventory inventory)
    {
        long started = Stopwatch.GetTimestamp();
        long view = term.Record.View + 1, step = term.Record.Step;
        PlacementMap? recorded = term.Record.Map;
        PlacementMap map = placement.At(view);
        await term.WriteAsync(term.Record with { View = view, Map = map });
        string? place = snapshots.IsCurrent ? snapshots.Newest.Place : null;
        await EnterAsync(new OpenViewCommand(term.Record.Configuration, map, step, place, term.Record.Gates, term.Record.InferenceOnly), inventory);
        await ActivateAsync(map, recorded, started);
    }

    private async Task RecoverAsync(PlacementMap wish, ClusterInventory inventory)
    {
        long started = Stopwatch.GetTimestamp();
        RecoveryMark mark = recovery.Plan();
        PlacementMap? recorded = term.Record.Map;
        long lost = term.Record.Step;
        await events.TraceAsync("moe.recovery", lost, () => recovery.RunAsync(mark, wish, inventory.SourcesOf(mark.From.Tag, wish), command => EnterAsync(command, inventory)), wish.Version);
        await ConfirmAsync(wish, mark.Target);
        await ActivateAsync(wish, recorded, started);
        if (mark.Target < lost)
        {
            throw new RolledBackException(term.Model, mark.Target, lost);
        }
    }

    private async Task EnterAsync(OpenViewCommand command, ClusterInventory inventory)
    {
        await commits.PushAsync(command.Map);
        members.Enter(command.Map.Version, command.Map);
        IReadOnlyList<OpenViewReport> reports = await members.RunAsync(command with { EndPoints = inventory.EndPointsOf(command.Map.Workers) });
        if (reports.FirstOrDefault(report => report.Unreadable is not null) is { } failed)
        {
            string message = $"Worker {command.Map.Workers[failed.Rank]} cannot start at step {command.Version} of model '{term.Model}': {failed.Unreadable}";
            throw command.Anew ? new CheckpointFailedException(message) : new ViewFailedException(message);
        }

        await ConfirmAsync(command.Map, command.Version);
    }

    private async Task ActivateAsync(PlacementMap map, PlacementMap? before, long started)
    {
        // Where a silo is left out, some may be on it or registered there, and cannot be reached. Shards are where they belong, and a step calls none of the grains.
        bool mayBeLate = candidates.LeaveOut(silos.Alive);
        Task activated = ActivateGrainsAsync(map, before, mayBeLate ? null : term.Record.Step);
        if (!mayBeLate)
        {
            await activated;
        }

        events.ViewOpened(map, Stopwatch.GetElapsedTime(started));
    }

    /// <param name="map">The view's map.</param>
    /// <param name="before">The map before it; null for none.</param>
    /// <param name="step">The step that experts are at; null when training goes on meanwhile.</param>
    private async Task ActivateGrainsAsync(PlacementMap map, PlacementMap? before, long? step)
    {
        try
        {
            await activation.ActivateAsync(map, step);
        }
        catch (Exception e) when (CallFailure.IsUnanswered(e) || (step is null && e is MoEException))
        {
            events.GrainsLate(e);
        }

        await activation.DismissAsync(map, before);
    }

    private async Task ConfirmAsync(PlacementMap map, long step)
    {
        ClusterInventory inventory = await ClusterInventory.TakeAsync(members, members.Silos);
        foreach ((string silo, HostInventory host) in inventory.Hosts)
        {
            if (host.Version != step)
            {
                throw new ViewFailedException($"Silo {silo} is at step {host.Version} of model '{term.Model}', the view at {step}.");
            }
        }

        foreach (ShardId shard in map.Shards)
        {
            WorkerId worker = map.WorkerOf(shard);
            if (!inventory.Holds(worker, shard.ExpertId))
            {
                throw new ViewFailedException($"Shard {shard} of model '{term.Model}' is not in the table of worker {worker}.");
            }
        }
    }
}
