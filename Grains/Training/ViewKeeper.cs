using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Training;

/// <summary>
/// Sees to it that work finds an open view: goes on with the one that is written down as long as it lives, or opens the next, and ends one that has
/// failed. Work that lost a member on the way is done again in the next view: nothing of it had counted.
/// </summary>
internal sealed class ViewKeeper(
    ViewCandidates candidates, Members members, CommitProtocol commits, ViewOpening opening, GatePolicies gates, SnapshotKeeper snapshots,
    CoordinatorTerm term, RunConfiguration run, RunEvents events)
{
    /// <summary>How often work is begun when it keeps losing members: while one view forms without one silo, another may die.</summary>
    private const int MostTries = 6;

    private bool _ended;
    private bool _isAsking;

    /// <summary>Whether a view is open whose members have said at which step they are.</summary>
    public bool IsOpen => members.Map is not null && !_isAsking;

    /// <summary>Whether a view is open, all of whose members live.</summary>
    public bool IsWhole => IsOpen && candidates.AreAlive(members.Silos);

    /// <summary>The view that is written down.</summary>
    public ViewOutcome Outcome => new(term.Record.View, term.Record.Map!.Workers.Length, term.Record.Step, term.Record.Cursor);

    /// <summary>
    /// Opens a view, or goes on with the one that is open. Where no placement is wished for, experts stay where they were as long as those silos live.
    /// </summary>
    public Task<ViewOutcome> OpenAsync(PlacementRequest? wanted) => UnlessLostAsync(async () =>
    {
        bool open = await ResumeAsync();
        if (!open || wanted is not null)
        {
            if (open && term.Record.Step > 0 && snapshots.IsOn)
            {
                // Those who are not members yet start from there.
                await snapshots.TakeAsync();
            }

            await OpenNextAsync(wanted);
            if (wanted is not null && !term.Record.Silos.SequenceEqual(wanted.Silos))
            {
                await term.WriteAsync(term.Record with { Silos = wanted.Silos });
            }
        }

        return Outcome;
    });

    /// <summary>Opens a view of the silos that there can be now, in the place of the one that is open.</summary>
    public Task ReopenAsync() => OpenNextAsync(wanted: null);

    /// <summary>To be done in a view that is open or has just been opened: sees to it that its members live.</summary>
    /// <exception cref="ViewFailedException">One of them does not, so that the next view is to be opened.</exception>
    public Task<ViewOutcome> WakeAsync() => IsWhole
        ? Task.FromResult(Outcome)
        : throw new ViewFailedException($"A silo of view {members.View} of model '{term.Model}' has gone.") { IsUnreachable = true };

    /// <summary>Runs work in the open view. If a member fails, the view ends; if one is lost, the work is done again in the next view.</summary>
    /// <exception cref="ViewFailedException">A member failed, or members were lost again and again.</exception>
    public Task<T> RunAsync<T>(Func<Task<T>> work) => UnlessLostAsync(async () =>
    {
        if (!await ResumeAsync())
        {
            await OpenAnyAsync();
        }
        else if (run.Model.Backbone == Backbone.Decoder && (snapshots.IsOn || snapshots.IsCurrent) && candidates.Newcomers is { Length: > 0 } newcomers)
        {
            await TakeInAsync(newcomers);
        }

        T outcome = await work();
        candidates.Worked();
        return outcome;
    });

    /// <summary>
    /// Whether a view is open. A new coordinator, or one that has lost touch, finds the members in the record: if all answer, a step that
    /// is decided is committed everywhere, and it goes on with them unless the view has failed.
    /// </summary>
    public async Task<bool> ResumeAsync()
    {
        if (members.Map is not null)
        {
            return true;
        }

        if (term.Record is not { Map: { } map, Recovery: null })
        {
            return false;
        }

        members.Enter(term.Record.View, map);
        bool open = false;
        _isAsking = true;
        try
        {
            if (await commits.SettleAsync() && !_ended)
            {
                await gates.RenewAsync();
                open = true;
                events.ViewResumed();
            }
        }
        catch (ViewFailedException e)
        {
            // A member is gone, or what it held: the next view is of those that are left. They may be waiting for it since the last coordinator's time.
            await EndAsync(e);
        }
        finally
        {
            _isAsking = false;
            if (!open)
            {
                members.Leave();
            }
        }

        return open;
    }

    private async Task<T> UnlessLostAsync<T>(Func<Task<T>> work)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return await work();
            }
            catch (ViewFailedException e)
            {
                await EndAsync(e);
                candidates.Failed();
                if (!e.IsUnreachable || tries == MostTries)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>Silos that have come, or come back, are members from the next view on, and get their share of the experts.</summary>
    private async Task TakeInAsync(string[] newcomers)
    {
        try
        {
            await snapshots.TakeAsync();
            await OpenNextAsync(wanted: null);
        }
        catch (Exception e) when (e is CheckpointFailedException or MemoryRefusedException or PlacementRefusedException or PlacementChangeFailedException)
        {
            Array.ForEach(newcomers, silo => candidates.PassOver(silo, e.Message));
        }
    }

    /// <summary>Opens a view for work that is waiting. Experts that could not be moved are where they were, and work all the same; the log says why.</summary>
    private async Task OpenAnyAsync()
    {
        try
        {
            await OpenNextAsync(wanted: null);
        }
        catch (PlacementChangeFailedException)
        {
        }
    }

    private async Task OpenNextAsync(PlacementRequest? wanted)
    {
        try
        {
            await opening.OpenAsync(wanted);
            _ended = false;
        }
        catch (RolledBackException)
        {
            _ended = false;
            throw;
        }
        catch (Exception e) when (e is not (PlacementRefusedException or MemoryRefusedException or PlacementChangeFailedException or ViewFailedException))
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
}
