using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Training;

/// <summary>
/// Tells the members what has been decided and written down: to apply a step, to go over to another placement, or both at once. A member
/// that misses it is told by whoever works next and takes the inventory.
/// </summary>
internal sealed class CommitProtocol(SiloNames silos, Members members, CoordinatorTerm term, string model, RunEvents events)
{
    /// <summary>How long silos outside of a view may take to hear of its placement.</summary>
    private static readonly TimeSpan MostForOthers = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Tells all members to apply a step, and to go over to another placement if one was adopted; those who have done it already ignore it. Without one
    /// it goes with the call that brings the next step, for members that wait for their next command stand idle: <see cref="FlushAsync"/> sends it when no
    /// step follows.
    /// </summary>
    /// <param name="step">The step that is committed.</param>
    /// <param name="adopted">The change of placement to go over to; null to stay. Afterwards it has the number of the command, if all members took it.</param>
    public async Task TellAsync(long step, PendingPlacementChange? adopted)
    {
        if (adopted is null)
        {
            members.Post(new CommitCommand(step));
            return;
        }

        await UnlessMissed(async () =>
        {
            Task<long> adoption = SendAsync(members.View, step, adopted.After.Version);
            await Task.WhenAll(adoption, PushAsync(adopted.After));
            members.Enter(adopted.After.Version, adopted.After);
            adopted.Adoption = await adoption;
        });
    }

    /// <summary>Tells the members what no other command has taken along.</summary>
    public Task FlushAsync() => UnlessMissed(members.FlushAsync);

    private async Task UnlessMissed(Func<Task> tell)
    {
        try
        {
            await tell();
        }
        catch (ViewFailedException e)
        {
            // It is decided all the same: whoever works next takes the inventory and tells those who missed it.
            members.Leave();
            events.CommitMissed(term.Record.Step, e);
        }
    }

    /// <summary>
    /// Takes the inventory, and sees to it that every member has applied the last step and gone over to the placement that was decided with it. False when
    /// the members are not all in this view.
    /// </summary>
    /// <exception cref="ViewFailedException">A member is gone, or has lost a step that is committed.</exception>
    public async Task<bool> SettleAsync()
    {
        HostInventory[] inventories = await members.GetInventoriesAsync(members.Silos);
        long view = term.Record.View;
        HostInventory? late = inventories.FirstOrDefault(inventory => inventory.View != view);
        if (inventories.Any(inventory => inventory.View != view && (inventory.Pending != view || inventory.View != late!.View)))
        {
            return false;
        }

        long step = Math.Max(term.Record.Step, inventories.Max(inventory => inventory.Version));
        if (inventories.FirstOrDefault(inventory => inventory.Version != step && inventory.Prepared != step) is { } behind)
        {
            events.StepLost(step, behind.Version);
            throw new ViewFailedException(
                $"Step {step} of model '{model}' is committed, but a host is at step {behind.Version} without its gradients.");
        }

        if (late is not null)
        {
            // They have the shards of the placement that was decided, and have missed that it was.
            await SendAsync(late.View, step, adopt: view);
        }
        else if (inventories.Any(inventory => inventory.Version != step))
        {
            await SendAsync(view, step, adopt: 0);
        }

        await PushAsync(term.Record.Map!);

        if (step != term.Record.Step)
        {
            events.StoreBehind(term.Record.Step, step);
            term.HasForgetfulStore = true;
            await term.WriteAsync(term.Record with { Step = step, LoggedFrom = step });
        }

        return true;
    }

    /// <summary>Every silo answers placement from its own memory, those outside the view too: a call may start anywhere.</summary>
    /// <exception cref="ViewFailedException">A silo of the placement does not answer.</exception>
    public Task PushAsync(PlacementMap map)
    {
        HashSet<string> placed = [.. map.Workers.Select(worker => worker.Silo)];
        return Task.WhenAll(silos.Alive.Select(silo => placed.Contains(silo) ? members.InstallMapAsync(silo, map) : OfferAsync(silo, map)));
    }

    /// <summary>Gives a silo outside of the view its placement, and does not wait for long: it may be outside because it cannot be reached, though membership takes it to be alive.</summary>
    private async Task OfferAsync(string silo, PlacementMap map)
    {
        try
        {
            await members.InstallMapAsync(silo, map).WaitAsync(MostForOthers);
        }
        catch (Exception e) when (e is ViewFailedException or TimeoutException)
        {
            // It has an older one until the next is offered.
        }
    }

    private Task<long> SendAsync(long view, long step, long adopt) => members.SendAsync(new CommitCommand(step, adopt), view);
}
