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

/// <summary>
/// Answers from the local map, on whichever silo it is asked. Whether the place lives is membership's word: the silos that
/// <see cref="IPlacementContext.GetCompatibleSilos"/> names lag behind it, as the manifest of a silo that has just joined is fetched later.
/// </summary>
public sealed class PinnedPlacementDirector(GrainPlaces places, ISiloStatusOracle silos) : IPlacementDirector
{
    /// <inheritdoc />
    /// <exception cref="PlacementRefusedException">The map has no place for the grain, or its silo is not alive.</exception>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        WorkerId worker = places.WorkerOf(target.GrainIdentity.Key.ToString()!);
        var silo = SiloAddress.FromParsableString(worker.Silo);
        return silos.GetApproximateSiloStatus(silo) == SiloStatus.Active
            ? Task.FromResult(silo)
            : throw new PlacementRefusedException(
                $"Grain {target.GrainIdentity} belongs to silo {worker.Silo}, which is not alive. A new view must form without it.");
    }
}
