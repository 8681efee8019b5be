namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Copy the shards of a change of placement while no step runs. With a step, the change rides in its <see cref="PrepareOrder"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.switch")]
public sealed class SwitchOrder : WorkOrder
{
    /// <summary>The change.</summary>
    [Id(0)]
    public required SwitchMessage Switch { get; init; }
}
