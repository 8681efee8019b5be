namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A text that goes on.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.generation")]
public sealed class GenerationOutcome : WorkOutcome
{
    /// <summary>The new tokens.</summary>
    [Id(0)]
    public required int[] Tokens { get; init; }
}
