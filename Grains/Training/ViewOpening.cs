using System.Diagnostics;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Placement.Planners;

namespace MoEActors.Grains.Training;

/// <summary>
/// Opens views of new members, with every shard where the inventory found it: the map is written down and pushed to every silo, the members
/// wire themselves, an inventory confirms it, and grains are activated. Then the placement changes to the one wished for, as among members
/// that stay.
/// </summary>
internal sealed class ViewOpening(
    SiloNames silos, Members members, CommitProtocol commits, PlacementChangeProtocol changes, GrainActivation activation, CoordinatorTerm term,
    MemoryAdmission memory, RunConfiguration run, RunEvents events)
{
    /// <summary>Opens the next view, unless the one that is open is the one wished for.</summary>
    /// <param name="wanted">A placement wished for; null for the static one.</param>
    /// <exception cref="PlacementRefusedException">The placement cannot work.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; a view that is open goes on.</exception>
    /// <exception cref="ViewFailedException">A member failed on the way.</exception>
    /// <exception cref="PlacementChangeFailedException">A view is open, but experts could not be moved to where the wish has them.</exception>
    public async Task OpenAsync(PlacementRequest? wanted)
    {
        try
        {
            ClusterInventory inventory = await ClusterInventory.TakeAsync(members, silos.Addresses(wanted?.Silos ?? []));
            PlacementMap wish = Wish(wanted, inventory);
            PlacementMap found = ComesIntoBeing(inventory) ? wish : Found(inventory, wish);
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

    private PlacementMap Wish(PlacementRequest? wanted, ClusterInventory inventory)
    {
        long version = term.Record.View + 1;
        PlacementMap map = wanted is { Ranks.Length: > 0 }
            ? PlacementMap.OfReplicas(version, inventory.Workers, wanted.Ranks)
            : StaticPlanner.Plan(version, inventory.Workers, run.Model.Experts);
        map.ValidateAgainst(run.Model.Experts);
        return map;
    }

    /// <summary>Whether every shard is made anew wherever it is placed: from the seed, or from a checkpoint that no worker has loaded yet.</summary>
    private bool ComesIntoBeing(ClusterInventory inventory) =>
        term.Record.Step == 0
        || (term.Record.CheckpointStep == term.Record.Step && term.Record.Checkpoint is not null
            && inventory.Hosts.All(host => host.Inventory.Version != term.Record.Step));

    /// <summary>After the first step every member must have been one before: dense parameters are not copied to newcomers.</summary>
    private PlacementMap Found(ClusterInventory inventory, PlacementMap wish)
    {
        long step = term.Record.Step;
        foreach ((string silo, HostInventory host) in inventory.Hosts)
        {
            if (host.Version != step)
            {
                throw new PlacementException(
                    $"Silo {silo} does not hold model '{term.Model}' at step {step}: after the first step only its members can go on.");
            }
        }

        return inventory.AsFound(wish, term.Record.Map!);
    }

    private async Task OpenAsync(PlacementMap placement, ClusterInventory inventory)
    {
        long started = Stopwatch.GetTimestamp();
        long view = term.Record.View + 1, step = term.Record.Step;
        PlacementMap? recorded = term.Record.Map;
        PlacementMap map = placement.At(view);
        await term.WriteAsync(term.Record with { View = view, Map = map });

        await commits.PushAsync(map);
        members.Enter(view, map);
        string? checkpoint = term.Record.CheckpointStep == step ? term.Record.Checkpoint : null;
        await members.RunAsync(new OpenViewCommand(
            term.Record.Configuration, map, step, checkpoint, term.Record.Gates, term.Record.InferenceOnly, inventory.EndPointsOf(map.Workers)));
        await ConfirmAsync(map, step);
        await activation.ActivateAsync(map, step);
        await activation.DismissAsync(map, recorded);
        events.ViewOpened(map, Stopwatch.GetElapsedTime(started));
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
