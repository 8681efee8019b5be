namespace MoEActors.Modules.Gates;

/// <summary>The routing policy of one layer, where it is another than the run began with.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="FromStep">The first step that follows it.</param>
/// <param name="Options">The policy.</param>
public sealed record GatePolicy(int Layer, long FromStep, GateOptions Options);
