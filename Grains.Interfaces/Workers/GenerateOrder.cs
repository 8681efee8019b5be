namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Continue a text.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.generate")]
public sealed class GenerateOrder : WorkOrder
{
    /// <summary>Tokens to continue.</summary>
    [Id(0)]
    public required int[] Prompt { get; init; }

    /// <summary>Tokens to add.</summary>
    [Id(1)]
    public required int Count { get; init; }

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    [Id(2)]
    public required float Temperature { get; init; }

    /// <summary>Seed of the draws.</summary>
    [Id(3)]
    public required ulong Seed { get; init; }
}
