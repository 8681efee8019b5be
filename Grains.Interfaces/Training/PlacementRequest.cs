namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A placement wished for: silos in rank order and the ranks of every expert, each of which holds a replica.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.placement")]
public sealed class PlacementRequest
{
    /// <summary>Names of the silos that take part, in rank order; empty for all living ones, ordered by name.</summary>
    [Id(0)]
    public string[] Silos { get; init; } = [];

    /// <summary>
    /// By layer and expert: the ranks that are to hold it, one or more distinct ones; empty for the static placement. A rank is a device: those of
    /// the first silo come first.
    /// </summary>
    [Id(1)]
    public int[][][] Ranks { get; init; } = [];
}
