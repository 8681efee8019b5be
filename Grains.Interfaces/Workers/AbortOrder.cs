namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Forget the gradients of a step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.abort")]
public sealed class AbortOrder : WorkOrder
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required long Step { get; init; }
}
