using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Placement.Map;
using Orleans.Runtime.Placement;

namespace MoEActors.Grains.Placement;

/// <summary>Answers from the local map, on whichever silo it is asked.</summary>
public sealed class PinnedPlacementDirector(PlacementBoard board) : IPlacementDirector
{
    /// <inheritdoc />
    /// <exception cref="PlacementRefusedException">The map has no place for the grain, or its silo is not alive.</exception>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        WorkerId worker = board.WorkerOf(target.GrainIdentity.Key.ToString()!);
        var silo = SiloAddress.FromParsableString(worker.Silo);
        return context.GetCompatibleSilos(target).Contains(silo)
            ? Task.FromResult(silo)
            : throw new PlacementRefusedException(
                $"Grain {target.GrainIdentity} belongs to silo {worker.Silo}, which is not alive. A new epoch must form without it.");
    }
}
