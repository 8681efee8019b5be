namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Run a step forward and backward and keep the gradients.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.prepare")]
public sealed class PrepareOrder : WorkOrder
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required StepShare Share { get; init; }

    /// <summary>A change of placement to be copied beside the step; null for none.</summary>
    [Id(30)]
    public SwitchMessage? Switch { get; init; }
}
