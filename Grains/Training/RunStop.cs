using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Training;

/// <summary>
/// Stops a run between two steps, until somebody opens the model: a snapshot has all of it, the record says so, and silos hold nothing of it any more. It
/// goes on as one does whose silos have all died: from that snapshot, on those that are there then.
/// </summary>
internal sealed class RunStop(
    SiloNames silos, ViewKeeper views, Members members, GrainActivation activation, SnapshotKeeper snapshots, CoordinatorTerm term, RunEvents events)
{
    /// <summary>Stops the run; one that is stopped stays so.</summary>
    /// <exception cref="CheckpointFailedException">The snapshot cannot be written; the run goes on.</exception>
    /// <exception cref="ViewFailedException">A member failed; the run goes on.</exception>
    public async Task<StopOutcome> RunAsync()
    {
        if (!term.Record.IsStopped)
        {
            await views.RunAsync(async () =>
            {
                await snapshots.TakeAsync();
                return true;
            });
            await term.WriteAsync(term.Record with { IsStopped = true });
            events.RunStopped();
        }

        await ReleaseAsync();
        return new StopOutcome(term.Record.Step);
    }

    /// <summary>Somebody has opened the model.</summary>
    public async Task LiftAsync()
    {
        if (term.Record.IsStopped)
        {
            await term.WriteAsync(term.Record with { IsStopped = false });
            events.RunContinued();
        }
    }

    private async Task ReleaseAsync()
    {
        try
        {
            await members.ReleaseAsync([.. silos.Alive]);
        }
        catch (ViewFailedException)
        {
            // A silo that does not answer has the memory until it dies or the model goes on. The run is stopped all the same.
        }

        if (term.Record.Map is { } map)
        {
            await activation.DismissAllAsync(map);
        }
    }
}
