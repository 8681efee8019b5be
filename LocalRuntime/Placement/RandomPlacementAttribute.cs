using Orleans.Runtime;

namespace Orleans.Placement;

/// <summary>Gives a grain class <see cref="RandomPlacement"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RandomPlacementAttribute() : PlacementAttribute(new RandomPlacement())
{
}
