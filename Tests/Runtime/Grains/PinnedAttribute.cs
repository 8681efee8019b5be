using Orleans.Placement;

namespace MoEActors.Tests.Runtime.Grains;

[AttributeUsage(AttributeTargets.Class)]
public sealed class PinnedAttribute() : PlacementAttribute(new PinnedPlacement())
{
}
