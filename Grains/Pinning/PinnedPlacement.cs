using MoEActors.Grains.Interfaces.Errors;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace MoEActors.Grains.Pinning;

/// <summary>A grain is where the placement map has its shard or gate.</summary>
[GenerateSerializer, Immutable, Alias("moe.placement.pinned")]
public sealed class PinnedPlacement : PlacementStrategy;

/// <summary>Pins the grains of a class to the workers of the placement map.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PinnedPlacementAttribute() : PlacementAttribute(new PinnedPlacement());

/// <summary>Answers from the local map, on whichever silo it is asked.</summary>
public sealed class PinnedPlacementDirector(GrainPlaces places) : IPlacementDirector
{
    /// <inheritdoc />
    /// <exception cref="PlacementRefusedException">The map has no place for the grain, or its silo is not alive.</exception>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        WorkerId worker = places.WorkerOf(target.GrainIdentity.Key.ToString()!);
        var silo = SiloAddress.FromParsableString(worker.Silo);
        return context.GetCompatibleSilos(target).Contains(silo)
            ? Task.FromResult(silo)
            : throw new PlacementRefusedException(
                $"Grain {target.GrainIdentity} belongs to silo {worker.Silo}, which is not alive. A new view must form without it.");
    }
}
