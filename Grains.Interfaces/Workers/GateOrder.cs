using MoEActors.Grains.Interfaces.Gates;

namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Route by these policies from the next step on. Layers that are not named route as the run began. Taken twice it changes nothing.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.gate")]
public sealed class GateOrder : WorkOrder
{
    /// <summary>The policies.</summary>
    [Id(0)]
    public required GatePolicyMessage[] Gates { get; init; }
}
