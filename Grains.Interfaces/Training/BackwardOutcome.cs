namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Gradients have gone back through a layer.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.backward")]
public sealed class BackwardOutcome : WorkOutcome
{
    /// <summary>Pairs of forward and backward that the step has so far.</summary>
    [Id(0)]
    public required int Passes { get; init; }
}
