namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Apply the gradients of a prepared step, and go over to the placement that was copied beside it.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.commit")]
public sealed class CommitOrder : WorkOrder
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>The epoch to go over to, whose shards have arrived with the step; 0 to stay in this one.</summary>
    [Id(1)]
    public long Adopt { get; init; }
}
