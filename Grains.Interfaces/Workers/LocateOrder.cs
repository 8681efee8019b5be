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
    public required StepShare Share { get; init; }
}
