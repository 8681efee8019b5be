using Orleans.Hosting;
using Orleans.Runtime.Placement;

namespace Orleans.Runtime;

/// <summary>Spreads grains by a hash of their identity and the cluster's seed, so that every run places them alike.</summary>
internal sealed class RandomPlacementDirector(LocalCluster cluster) : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        SiloAddress[] silos = context.GetCompatibleSilos(target);
        return Task.FromResult(IPlacementDirector.GetPlacementHint(target.RequestContextData, silos)
            ?? silos[StableHash.Of($"{cluster.Seed}:{target.GrainIdentity}") % (uint)silos.Length]);
    }
}
