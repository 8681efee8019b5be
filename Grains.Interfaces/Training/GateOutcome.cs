using MoEActors.Grains.Interfaces.Gates;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The routing policy of a layer after a request to replace it.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.gate")]
public sealed class GateOutcome : WorkOutcome
{
    /// <summary>The policy in force on every worker, and the first step that follows it.</summary>
    [Id(0)]
    public required GatePolicyMessage Policy { get; init; }
}
