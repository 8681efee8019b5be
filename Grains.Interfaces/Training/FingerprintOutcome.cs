namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The hash of all parameters.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.fingerprint")]
public sealed class FingerprintOutcome : WorkOutcome
{
    /// <summary>Hash over all blocks in canonical order.</summary>
    [Id(0)]
    public required ulong Hash { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(1)]
    public required long Step { get; init; }
}
