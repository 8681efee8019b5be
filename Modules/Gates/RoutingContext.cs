using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Gates;

/// <summary>What a gate must know of the micro-batch it routes.</summary>
/// <param name="Valid">1 for a token that takes part, 0 for padding; empty when all take part.</param>
/// <param name="ValidCount">Number of tokens that take part.</param>
/// <param name="AuxiliaryScale">Weight of this micro-batch's auxiliary losses in the step: 1 / micro-batches.</param>
/// <param name="RandomKey">
/// Key of the random numbers of this (seed, step, micro-batch), and with <see cref="InLayer"/> of a layer; row t draws by its number. Null
/// where nothing is random: in evaluation.
/// </param>
public readonly record struct RoutingContext(DeviceSpan<int> Valid, int ValidCount, float AuxiliaryScale, ulong? RandomKey = null)
{
    /// <summary>The context of layer number <paramref name="layer"/>, with random numbers of its own.</summary>
    public RoutingContext InLayer(int layer) =>
        RandomKey is { } key ? this with { RandomKey = CounterRandom.Derive(key, (ulong)layer) } : this;

    /// <summary>The key of a stream; null where nothing is random.</summary>
    internal ulong? Stream(RandomStream stream) => RandomKey is { } key ? CounterRandom.Derive(key, (ulong)stream) : null;
}
