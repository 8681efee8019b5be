using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Training;

/// <summary>
/// Takes a model out of the cluster. Hosts come first and the record last: whatever fails on the way, the model is still there to be deleted again, and
/// a name is not free before every silo has forgotten the terms of the model that had it.
/// </summary>
internal sealed class ModelDeletion(
    SiloNames silos, Members members, GrainActivation activation, SnapshotKeeper snapshots, CoordinatorTerm term, IGrainFactory grains, string model, RunEvents events)
{
    /// <summary>Deletes the model.</summary>
    /// <exception cref="ViewFailedException">A silo does not answer.</exception>
    /// <exception cref="StaleCommandException">Another coordinator has taken over.</exception>
    public async Task<DeleteOutcome> RunAsync()
    {
        await members.ForgetAsync([.. silos.Alive]);
        if (term.Record.Map is { } map)
        {
            await activation.DismissAllAsync(map);
        }

        await grains.GetGrain<IDirectorProtocol>(model).EndAsync();
        await term.DeleteAsync();
        events.ModelDeleted();
        await snapshots.DeleteAsync();
        return new DeleteOutcome(Existed: true);
    }
}
