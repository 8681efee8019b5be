namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// A command to a worker host. It is refused when its term or epoch is older than what the host has seen, and taken once however often it
/// arrives.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order")]
public abstract class WorkOrder
{
    /// <summary>The model.</summary>
    [Id(0)]
    public required string Model { get; init; }

    /// <summary>The coordinator's reign.</summary>
    [Id(1)]
    public required long Term { get; init; }

    /// <summary>The agreement on members and map.</summary>
    [Id(2)]
    public required long Epoch { get; init; }

    /// <summary>Number of the order within the term; orders run in this order.</summary>
    [Id(3)]
    public required long Number { get; init; }
}
