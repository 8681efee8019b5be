namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Run a step forward and backward and keep the gradients.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.prepare")]
public sealed class PrepareOrder : WorkOrder
{
    /// <summary>The step, from 1.</summary>
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

    /// <summary>A change of placement to be copied beside the step; null for none.</summary>
    [Id(30)]
    public SwitchMessage? Switch { get; init; }
}
