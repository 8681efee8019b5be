using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>What a gate must know of the micro-batch it routes.</summary>
/// <param name="Valid">1 for a token that takes part, 0 for padding; empty when all take part.</param>
/// <param name="ValidCount">Number of tokens that take part.</param>
/// <param name="AuxiliaryScale">Weight of this micro-batch's auxiliary losses in the step: 1 / micro-batches.</param>
public readonly record struct RoutingContext(DeviceSpan<int> Valid, int ValidCount, float AuxiliaryScale);
