namespace MoEActors.Grains.Interfaces.Director;

/// <summary>Where a plan wants the experts of one layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Ranks">By expert: the ranks of its replicas, ascending.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.layer")]
public sealed record LayerProposal([property: Id(0)] int Layer, [property: Id(1)] int[][] Ranks);
