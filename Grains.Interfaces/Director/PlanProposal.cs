namespace MoEActors.Grains.Interfaces.Director;

/// <summary>A plan that the director asks the coordinator to carry out.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.proposal")]
public sealed class PlanProposal
{
    /// <summary>Number of the decision.</summary>
    [Id(0)]
    public required long Number { get; init; }

    /// <summary>The epoch whose placement it was made for.</summary>
    [Id(1)]
    public required long Epoch { get; init; }

    /// <summary>The layers that change, the most rewarding first.</summary>
    [Id(2)]
    public required LayerProposal[] Layers { get; init; }

    /// <summary>Bytes that may move during one training step; one shard always may.</summary>
    [Id(3)]
    public required long BytesPerStep { get; init; }
}
