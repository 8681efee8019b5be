namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Sum the cross-entropy of micro-batches; nothing is learnt.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.evaluate")]
public sealed class EvaluateOrder : WorkOrder
{
    /// <summary>Micro-batches of the whole evaluation.</summary>
    [Id(0)]
    public required int MicroBatches { get; init; }

    /// <summary>The micro-batches of this host's workers.</summary>
    [Id(1)]
    public required MicroBatchMessage[] Batches { get; init; }
}
