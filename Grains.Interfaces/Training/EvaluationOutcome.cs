namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The loss of an evaluation.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.evaluation")]
public sealed class EvaluationOutcome : WorkOutcome
{
    /// <summary>Mean cross-entropy, nats per predicted token.</summary>
    [Id(0)]
    public required double Loss { get; init; }

    /// <summary>Predicted tokens.</summary>
    [Id(1)]
    public required long Tokens { get; init; }
}
