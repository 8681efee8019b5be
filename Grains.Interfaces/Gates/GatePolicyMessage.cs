using MoEActors.Modules.Gates;

namespace MoEActors.Grains.Interfaces.Gates;

/// <summary>A routing policy on its way.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="FromStep">The first step that follows it.</param>
/// <param name="Options">The policy as JSON.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.gate.policy")]
public sealed record GatePolicyMessage([property: Id(0)] int Layer, [property: Id(1)] long FromStep, [property: Id(2)] string Options)
{
    /// <summary>The message of a policy.</summary>
    public static GatePolicyMessage From(GatePolicy policy) => new(policy.Layer, policy.FromStep, policy.Options.ToJson());

    /// <summary>The policy.</summary>
    /// <exception cref="FormatException">The message is no policy.</exception>
    public GatePolicy ToPolicy() => new(Layer, FromStep, GateOptions.FromJson(Options));
}
