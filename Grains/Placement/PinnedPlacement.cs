namespace MoEActors.Grains.Placement;

/// <summary>Grains of this strategy run where the placement map says and nowhere else.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.placement.pinned")]
public sealed class PinnedPlacement : PlacementStrategy;
