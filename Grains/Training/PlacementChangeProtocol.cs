using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Training;

/// <summary>
/// Changes of placement among the members of the open view. Prepare: shards are copied to where they will be, beside a step or alone; nothing
/// has changed yet. Then every worker says what has arrived; then the decision is written, and every member goes over. A change that fails is
/// abandoned, and the view goes on as it was.
/// </summary>
internal sealed class PlacementChangeProtocol(
    Members members, CommitProtocol commits, GrainActivation activation, CoordinatorTerm term, MemoryAdmission memory, string model, RunEvents events)
{
    private Task _following = Task.CompletedTask;

    /// <summary>The change that leads to a placement; null when it is the one in force.</summary>
    /// <param name="wish">The placement, of the members in their order.</param>
    public PendingPlacementChange? To(PlacementMap wish) =>
        wish.IsPlacedAs(members.Map!) ? null : new PendingPlacementChange(members.Map!, wish.At(term.Record.View + 1));

    /// <summary>Changes the placement while no step runs, and waits for the grains to follow.</summary>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; nothing was copied.</exception>
    /// <exception cref="PlacementChangeFailedException">It was abandoned; the view goes on.</exception>
    /// <exception cref="ViewFailedException">A member is gone.</exception>
    public async Task RunAsync(PlacementMap wish)
    {
        if (To(wish) is { } change)
        {
            await events.TraceAsync("moe.placement.change", term.Record.Step, () => RunAsync(change));
        }
    }

    private async Task RunAsync(PendingPlacementChange change)
    {
        await memory.RequireAsync(change.After, change.Before);
        IReadOnlyList<PlacementChangeReport> reports = await members.RunAsync(new PlacementChangeCommand(change.Message));
        change.Conclude([.. reports.Select(report => report.Arrivals)]);
        if (change.Failure is { } failure)
        {
            // What has arrived is of no use any more.
            events.PlacementChanged(term.Record.Step, change.Moves, change.CopySeconds, failure);
            await commits.TellAsync(term.Record.Step, adopted: null);
            throw new PlacementChangeFailedException(
                $"The change of placement of model '{model}' at step {term.Record.Step} was abandoned: {failure} Everything is where it was; ask again.");
        }

        await term.WriteAsync(term.Record with { View = change.After.Version, Map = change.After });
        events.PlacementChanged(term.Record.Step, change.Moves, change.CopySeconds, failure: null);
        await commits.TellAsync(term.Record.Step, change);
        Follow(change);
        await _following;
    }

    /// <summary>Moves an expert while no step runs.</summary>
    /// <exception cref="PlacementRefusedException">It cannot go there.</exception>
    /// <exception cref="MemoryRefusedException">The worker has not the memory for it; nothing was copied.</exception>
    /// <exception cref="PlacementChangeFailedException">It was abandoned; the view goes on.</exception>
    /// <exception cref="ViewFailedException">A member is gone.</exception>
    public async Task MoveAsync(MoveRequest move)
    {
        PlacementMap map = members.Map!;
        var shard = new ShardId(move.Layer, move.Expert);
        try
        {
            await RunAsync(map.With(map.Version, [new ShardMove(move.Layer, move.Expert, map.RankOf(map.WorkerOf(shard)), move.Rank)]));
        }
        catch (PlacementException e)
        {
            throw new PlacementRefusedException(e.Message);
        }
    }

    /// <summary>Grains go where a change has put their shards, while training goes on: a step calls none of them.</summary>
    public void Follow(PendingPlacementChange change)
    {
        if (change.Adoption > 0)
        {
            _following = FollowAsync(_following, members.WaitAsync(change.Adoption), change);
        }
    }

    private async Task FollowAsync(Task earlier, Task adopted, PendingPlacementChange change)
    {
        await earlier;
        try
        {
            // A grain that comes before its shard is in the table would refuse to begin.
            await adopted;
            await activation.FollowAsync(change.Before, change.After);
        }
        catch (Exception e) when (e is MoEException || CallFailure.IsUnanswered(e))
        {
            // Shards are where they belong, and nothing depends on the grains: one that has not come now does so when it is called.
            events.GrainsLate(e);
        }
    }
}
