using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Training;

/// <summary>
/// Sees to it that work finds an open epoch: goes on with the one that is written down as long as it lives, or opens the next, and ends one that has
/// failed.
/// </summary>
internal sealed class EpochKeeper(
    SiloNames silos, Members members, CommitProtocol commits, EpochOpening opening, GatePolicies gates, Reign reign)
{
    private bool _ended;

    /// <summary>The epoch that is written down.</summary>
    public EpochOutcome Outcome => new()
    {
        Epoch = reign.Record.Epoch,
        Workers = reign.Record.Map!.Silos.Length,
        Step = reign.Record.Step,
        Cursor = reign.Record.Cursor,
    };

    /// <summary>
    /// Opens an epoch, or goes on with the one that is open. Where no placement is wished for, experts stay where they were as long as those silos live.
    /// </summary>
    public async Task<EpochOutcome> OpenAsync(PlacementRequest? wanted)
    {
        if (!await ResumeAsync() || wanted is not null)
        {
            await OpenNextAsync(wanted ?? (reign.Record.Map is { } map && map.Silos.All(silos.Alive.Contains) ? Same(map) : null));
        }

        return Outcome;
    }

    /// <summary>Runs work in the open epoch. If a member fails, the epoch ends.</summary>
    /// <exception cref="EpochFailedException">A member failed.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        if (!await ResumeAsync())
        {
            // The same placement: shards are where they were, only the communicator is new.
            await OpenNextAsync(reign.Record.Map is { } map ? Same(map) : null);
        }

        try
        {
            return await work();
        }
        catch (EpochFailedException e)
        {
            await EndAsync(e);
            throw;
        }
    }

    /// <summary>
    /// Whether an epoch is open. A new coordinator, or one that has lost touch, finds the members in the record: if all answer the roll, a step that
    /// is decided is committed everywhere, and it goes on with them unless the epoch has failed.
    /// </summary>
    /// <exception cref="EpochFailedException">A member is gone, and with it what was committed.</exception>
    public async Task<bool> ResumeAsync()
    {
        if (members.Map is not null)
        {
            return true;
        }

        if (reign.Record.Map is not { } message)
        {
            return false;
        }

        members.Enter(reign.Record.Epoch, message.ToMap());
        bool open = false;
        try
        {
            if (await commits.SettleAsync() && !_ended)
            {
                await gates.RenewAsync();
                open = true;
            }
        }
        catch (EpochFailedException) when (reign.Record.Step == 0)
        {
            // A member is gone, and nothing with it: the seed makes every parameter anew.
        }
        finally
        {
            if (!open)
            {
                members.Leave();
            }
        }

        return open;
    }

    private async Task OpenNextAsync(PlacementRequest? wanted)
    {
        try
        {
            await opening.OpenAsync(wanted);
            _ended = false;
        }
        catch (Exception e) when (e is not (PlacementRefusedException or MemoryRefusedException or MoveFailedException))
        {
            await EndAsync(e);
            throw;
        }
    }

    private Task EndAsync(Exception cause)
    {
        _ended = true;
        return members.EndAsync(cause.Message);
    }

    private PlacementRequest Same(PlacementMapMessage map) =>
        new() { Silos = [.. map.Silos.Distinct().Select(silo => silos.Of(silo) ?? silo)], Ranks = map.Ranks };
}
