using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Placement.Planners;

namespace MoEActors.Grains.Training;

/// <summary>
/// Takes a silo out of a run without losing anything: its experts go to the others as in any change of placement, then it is written down that views form
/// without it, and the next one does. It may come back in the same way as one that is new.
/// </summary>
internal sealed class SiloDrain(SiloNames silos, Members members, PlacementChangeProtocol changes, ViewKeeper views, CoordinatorTerm term, RunEvents events)
{
    /// <summary>Drains a silo, or has views take it in again.</summary>
    /// <exception cref="PlacementRefusedException">There is no such silo, or no other one.</exception>
    /// <exception cref="MemoryRefusedException">The others have not the memory for its experts; they are where they were.</exception>
    /// <exception cref="PlacementChangeFailedException">Its experts could not be copied; they are where they were.</exception>
    /// <exception cref="ViewFailedException">A member failed.</exception>
    public async Task<ViewOutcome> ChangeAsync(DrainRequest request)
    {
        string[] before = term.Record.Drained;
        if (before.Contains(request.Silo) == request.Drained)
        {
            return views.Outcome;
        }

        if (!request.Drained)
        {
            await WriteAsync([.. before.Where(silo => silo != request.Silo)], request);
            return views.Outcome;
        }

        RequireAnother(request.Silo);
        PlacementMap map = members.Map!;
        WorkerId[] staying = [.. map.Workers.Where(worker => silos.Of(worker.Silo) != request.Silo)];
        if (staying.Length < map.Workers.Length)
        {
            if (staying.Length == 0)
            {
                throw new PlacementRefusedException($"Silo '{request.Silo}' is the only one that has experts of model '{term.Model}'; the others must have joined it first.");
            }

            await changes.RunAsync(WithoutExpertsElsewhere(map, staying));
        }

        await WriteAsync([.. before, request.Silo], request);
        await views.ReopenAsync();
        return views.Outcome;
    }

    /// <summary>The placement in which every expert is on a worker that stays, of all workers that there are still.</summary>
    private static PlacementMap WithoutExpertsElsewhere(PlacementMap map, WorkerId[] staying)
    {
        int[] ranks = [.. staying.Select(map.RankOf)];
        PlacementMap among = SurvivorPlanner.Plan(map.Version, map, staying);
        return PlacementMap.OfReplicas(map.Version, map.Workers, [.. among.Ranks().Select(layer => layer.Select(of => of.Select(rank => ranks[rank]).ToArray()).ToArray())]);
    }

    private void RequireAnother(string silo)
    {
        _ = silos.Addresses([silo]);
        string[] wanted = term.Record.Silos;
        if (!silos.Addresses([]).Select(address => silos.Of(address)).Any(other => other is not null && other != silo && !term.Record.Drained.Contains(other) && (wanted.Length == 0 || wanted.Contains(other))))
        {
            throw new PlacementRefusedException($"Silo '{silo}' cannot be drained: there is no other that model '{term.Model}' may use.");
        }
    }

    private async Task WriteAsync(string[] drained, DrainRequest request)
    {
        await term.WriteAsync(term.Record with { Drained = drained });
        events.SiloDrained(request.Silo, request.Drained);
    }
}
