namespace Orleans.Runtime.Placement;

/// <summary>What a placement director knows.</summary>
public interface IPlacementContext
{
    /// <summary>The silo that it runs on.</summary>
    SiloAddress LocalSilo { get; }

    /// <summary>The status of that silo.</summary>
    SiloStatus LocalSiloStatus { get; }

    /// <summary>The silos that may host the grain.</summary>
    SiloAddress[] GetCompatibleSilos(PlacementTarget target);
}
