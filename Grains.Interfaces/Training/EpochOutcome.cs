namespace MoEActors.Grains.Interfaces.Training;

/// <summary>An epoch is open.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.epoch")]
public sealed class EpochOutcome : WorkOutcome
{
    /// <summary>The epoch.</summary>
    [Id(0)]
    public required long Epoch { get; init; }

    /// <summary>Number of workers.</summary>
    [Id(1)]
    public required int Workers { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(2)]
    public required long Step { get; init; }

    /// <summary>What was saved as the caller's cursor with the checkpoint that the model was restored from; empty for none.</summary>
    [Id(3)]
    public string Cursor { get; init; } = "";
}
