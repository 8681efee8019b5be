namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A placement wished for: silos in rank order and the rank of every expert.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.placement")]
public sealed class PlacementRequest
{
    /// <summary>Names of the silos that take part, in rank order; empty for all living ones, ordered by name.</summary>
    [Id(0)]
    public string[] Silos { get; init; } = [];

    /// <summary>By layer and expert: the rank; empty for the static placement.</summary>
    [Id(1)]
    public int[][] Ranks { get; init; } = [];
}
