namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Write a checkpoint; the outcome is a <see cref="SaveOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.save")]
public sealed class SaveRequest : WorkRequest
{
    /// <summary>The folder, as every silo sees it.</summary>
    [Id(0)]
    public required string Folder { get; init; }

    /// <summary>What the caller wants back on resuming, such as a place in its data.</summary>
    [Id(1)]
    public string Cursor { get; init; } = "";
}
