namespace MoEActors.Tests.Runtime.Migration;

/// <summary>Places a grain on the silo that the map says, whatever a hint proposes.</summary>
[GenerateSerializer]
public sealed class MappedPlacement : PlacementStrategy
{
}
