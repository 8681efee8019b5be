namespace Orleans.Runtime;

/// <summary>The caller's silo is best.</summary>
[GenerateSerializer]
[Immutable]
public sealed class PreferLocalPlacement : PlacementStrategy
{
}
