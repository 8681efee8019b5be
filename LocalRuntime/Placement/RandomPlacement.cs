namespace Orleans.Runtime;

/// <summary>Any silo will do.</summary>
[GenerateSerializer]
[Immutable]
public sealed class RandomPlacement : PlacementStrategy
{
}
