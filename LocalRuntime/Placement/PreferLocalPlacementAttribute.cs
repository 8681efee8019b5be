using Orleans.Runtime;

namespace Orleans.Placement;

/// <summary>Gives a grain class <see cref="PreferLocalPlacement"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PreferLocalPlacementAttribute() : PlacementAttribute(new PreferLocalPlacement())
{
}
