namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// A command to a worker host, sent with an <see cref="OrderHead"/>. It is refused when the head's term or epoch is older than what the host has
/// seen, and taken once however often it arrives.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order")]
public abstract class WorkOrder;
