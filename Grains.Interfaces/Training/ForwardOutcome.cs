namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Rows have gone through a layer.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.forward")]
public sealed class ForwardOutcome : WorkOutcome
{
    /// <summary>Weighted balance and z-loss of the gate, mean over micro-batches: the layer's part of the caller's loss.</summary>
    [Id(0)]
    public required double Auxiliary { get; init; }

    /// <summary>By expert: tokens that found a slot.</summary>
    [Id(1)]
    public required long[] KeptTokens { get; init; }

    /// <summary>By expert: tokens that chose it.</summary>
    [Id(2)]
    public required long[] ChosenTokens { get; init; }
}
