using Orleans.Placement;

namespace MoEActors.Tests.Runtime.Migration;

[AttributeUsage(AttributeTargets.Class)]
public sealed class MappedAttribute() : PlacementAttribute(new MappedPlacement())
{
}
