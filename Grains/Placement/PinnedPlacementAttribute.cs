using Orleans.Placement;

namespace MoEActors.Grains.Placement;

/// <summary>Pins the grains of a class to the workers of the placement map.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PinnedPlacementAttribute() : PlacementAttribute(new PinnedPlacement());
