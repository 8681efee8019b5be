namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Replace the routing policy of a layer between two steps; the outcome is a <see cref="GateOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.gate")]
public sealed class ConfigureGateRequest : WorkRequest
{
    /// <summary>The layer.</summary>
    [Id(0)]
    public required int Layer { get; init; }

    /// <summary>The policy that the wish was made from, as JSON. Where another is in force, nothing changes.</summary>
    [Id(1)]
    public required string From { get; init; }

    /// <summary>The policy wished for, as JSON.</summary>
    [Id(2)]
    public required string Options { get; init; }
}
