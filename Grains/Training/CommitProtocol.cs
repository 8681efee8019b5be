using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Training;

/// <summary>
/// Tells the members what has been decided and written down: to apply a step, to go over to another placement, or both at once. A member
/// that does not hear it is told by whoever works next and calls the roll.
/// </summary>
internal sealed class CommitProtocol(SiloNames silos, Members members, Reign reign, string model)
{
    /// <summary>Tells all members; those who have done it already ignore it.</summary>
    /// <param name="step">The step that is committed.</param>
    /// <param name="adopted">The change of placement to go over to; null to stay. It knows the order afterwards, if everybody has heard it.</param>
    public async Task TellAsync(long step, PlacementSwitch? adopted)
    {
        try
        {
            Task<long> order = SendAsync(members.Epoch, step, adopted?.After.Version ?? 0);
            await Task.WhenAll(order, adopted is null ? Task.CompletedTask : PushAsync(adopted.Message.Map));
            if (adopted is not null)
            {
                members.Enter(adopted.After.Version, adopted.After);
                adopted.Order = await order;
            }
        }
        catch (EpochFailedException)
        {
            // It is decided all the same: whoever works next calls the roll and tells those who have not heard.
            members.Leave();
        }
    }

    /// <summary>
    /// Calls the roll, and sees to it that every member has applied the last step and gone over to the placement that was decided with it. False when
    /// the members are not all in this epoch.
    /// </summary>
    /// <exception cref="EpochFailedException">A member is gone, or has lost a step that is committed.</exception>
    public async Task<bool> SettleAsync()
    {
        HostRoll[] rolls = await Task.WhenAll(members.Silos.Select(members.CallRollAsync));
        long epoch = reign.Record.Epoch;
        HostRoll? late = rolls.FirstOrDefault(roll => roll.Epoch != epoch);
        if (rolls.Any(roll => roll.Epoch != epoch && (roll.Pending != epoch || roll.Epoch != late!.Epoch)))
        {
            return false;
        }

        long step = Math.Max(reign.Record.Step, rolls.Max(roll => roll.Version));
        if (rolls.FirstOrDefault(roll => roll.Version != step && roll.Prepared != step) is { } behind)
        {
            throw new EpochFailedException(
                $"Step {step} of model '{model}' is committed, but a host is at step {behind.Version} without its gradients. The model must be restored.");
        }

        if (late is not null)
        {
            // They have the shards of the placement that was decided, and have not heard that it was.
            await SendAsync(late.Epoch, step, adopt: epoch);
        }
        else if (rolls.Any(roll => roll.Version != step))
        {
            await SendAsync(epoch, step, adopt: 0);
        }

        await PushAsync(reign.Record.Map!);

        if (step != reign.Record.Step)
        {
            await reign.WriteAsync(reign.Record with { Step = step });
        }

        return true;
    }

    /// <summary>Every silo answers placement from its own memory, those outside the epoch too: a call may start anywhere.</summary>
    public Task PushAsync(PlacementMapMessage map) => Task.WhenAll(silos.Alive.Select(silo => members.InstallMapAsync(silo, map)));

    private Task<long> SendAsync(long epoch, long step, long adopt) => members.SendAsync(new CommitOrder { Step = step, Adopt = adopt }, epoch);
}
