namespace MoEActors.Grains.Interfaces.Training;

/// <summary>How far a model is.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.progress")]
public sealed class ProgressOutcome : WorkOutcome
{
    /// <summary>Committed steps.</summary>
    [Id(0)]
    public required long Step { get; init; }
}
