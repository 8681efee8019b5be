namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A checkpoint is on disk.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.save")]
public sealed class SaveOutcome : WorkOutcome
{
    /// <summary>The folder.</summary>
    [Id(0)]
    public required string Folder { get; init; }

    /// <summary>Bytes of tensors.</summary>
    [Id(1)]
    public required long Bytes { get; init; }
}
