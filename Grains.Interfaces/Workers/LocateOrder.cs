namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// Find out what is not finite in a step that was refused: look through the parameters, then run the step again, one micro-batch at a time, and
/// look through the gradients after each. Nothing is learnt.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.locate")]
public sealed class LocateOrder : WorkOrder
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>Micro-batches of the whole step.</summary>
    [Id(1)]
    public required int MicroBatches { get; init; }

    /// <summary>Predicted tokens of the whole step.</summary>
    [Id(2)]
    public required long Targets { get; init; }

    /// <summary>The micro-batches of this host's workers.</summary>
    [Id(3)]
    public required MicroBatchMessage[] Batches { get; init; }
}
