using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Training;

/// <summary>
/// Sees to it that work finds an open view: goes on with the one that is written down as long as it lives, or opens the next, and ends one that has
/// failed.
/// </summary>
internal sealed class ViewKeeper(
    SiloNames silos, Members members, CommitProtocol commits, ViewOpening opening, GatePolicies gates, CoordinatorTerm term,
    RunEvents events)
{
    private bool _ended;

    /// <summary>The view that is written down.</summary>
    public ViewOutcome Outcome => new(term.Record.View, term.Record.Map!.Workers.Length, term.Record.Step, term.Record.Cursor);

    /// <summary>
    /// Opens a view, or goes on with the one that is open. Where no placement is wished for, experts stay where they were as long as those silos live.
    /// </summary>
    public async Task<ViewOutcome> OpenAsync(PlacementRequest? wanted)
    {
        if (!await ResumeAsync() || wanted is not null)
        {
            await OpenNextAsync(wanted ?? WhereTheyWere());
        }

        return Outcome;
    }

    /// <summary>Runs work in the open view. If a member fails, the view ends.</summary>
    /// <exception cref="ViewFailedException">A member failed.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        if (!await ResumeAsync())
        {
            await OpenNextAsync(WhereTheyWere());
        }

        try
        {
            return await work();
        }
        catch (ViewFailedException e)
        {
            await EndAsync(e);
            throw;
        }
    }

    /// <summary>
    /// Whether a view is open. A new coordinator, or one that has lost touch, finds the members in the record: if all answer, a step that
    /// is decided is committed everywhere, and it goes on with them unless the view has failed.
    /// </summary>
    /// <exception cref="ViewFailedException">A member is gone, and with it what was committed.</exception>
    public async Task<bool> ResumeAsync()
    {
        if (members.Map is not null)
        {
            return true;
        }

        if (term.Record.Map is not { } map)
        {
            return false;
        }

        members.Enter(term.Record.View, map);
        bool open = false;
        try
        {
            if (await commits.SettleAsync() && !_ended)
            {
                await gates.RenewAsync();
                open = true;
                events.ViewResumed();
            }
        }
        catch (ViewFailedException) when (term.Record.Step == 0)
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
        catch (Exception e) when (e is not (PlacementRefusedException or MemoryRefusedException or PlacementChangeFailedException))
        {
            await EndAsync(e);
            throw;
        }
    }

    private Task EndAsync(Exception cause)
    {
        _ended = true;
        events.ViewEnded(cause);
        return members.EndAsync(cause.Message);
    }

    /// <summary>The same placement, for which only the communicator is new; null, for any, when a silo of it is gone.</summary>
    private PlacementRequest? WhereTheyWere() => term.Record.Map is { } map && map.Workers.All(worker => silos.Alive.Contains(worker.Silo))
        ? new() { Silos = [.. map.Workers.Select(worker => worker.Silo).Distinct().Select(silo => silos.Of(silo) ?? silo)], Ranks = map.Ranks() }
        : null;
}
