namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Apply the gradients of a prepared step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.commit")]
public sealed class CommitOrder : WorkOrder
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required long Step { get; init; }
}
