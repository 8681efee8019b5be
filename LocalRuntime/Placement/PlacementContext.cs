using Orleans.Runtime.Placement;

namespace Orleans.Runtime;

/// <summary>What a placement director knows.</summary>
internal sealed class PlacementContext(Silo silo) : IPlacementContext
{
    public SiloAddress LocalSilo => silo.SiloAddress;

    public SiloStatus LocalSiloStatus => silo.Status;

    public SiloAddress[] GetCompatibleSilos(PlacementTarget target)
    {
        SiloAddress[] active = silo.Cluster.Membership.ActiveAddresses;
        return active.Length > 0 ? active : throw new OrleansException($"No silo is active, so {target.GrainIdentity} cannot be placed.");
    }
}
