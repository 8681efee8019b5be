using MoEActors.Tests.Runtime.Grains;
using Orleans.Runtime.Placement;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>Asks for no hint.</summary>
public sealed class MappedPlacementDirector : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context) =>
        Task.FromResult(PinnedPlacementDirector.Map[target.GrainIdentity.Key.ToString()!]);
}
