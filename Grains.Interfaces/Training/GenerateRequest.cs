namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Continue a text; the outcome is a <see cref="GenerationOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.generate")]
public sealed class GenerateRequest : WorkRequest
{
    /// <summary>Tokens to continue, at least one.</summary>
    [Id(0)]
    public required int[] Prompt { get; init; }

    /// <summary>Tokens to add.</summary>
    [Id(1)]
    public required int Count { get; init; }

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    [Id(2)]
    public float Temperature { get; init; } = 1f;

    /// <summary>Seed of the draws.</summary>
    [Id(3)]
    public ulong Seed { get; init; } = 1;
}
