namespace MoEActors.Tests.Runtime.Grains;

/// <summary>Places a grain on the silo that <see cref="PinnedPlacementDirector"/> was told.</summary>
[GenerateSerializer]
public sealed class PinnedPlacement : PlacementStrategy
{
}
