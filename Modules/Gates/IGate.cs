using MoEActors.Modules.Autograd;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Gates;

/// <summary>Decides which experts compute a token, and with what weight.</summary>
public interface IGate
{
    /// <summary>What the last forward pass decided.</summary>
    Routing Routing { get; }

    /// <summary>The policy in force.</summary>
    GateOptions Options { get; }

    /// <summary>Replaces the policy, between two steps; the next forward pass follows it.</summary>
    /// <exception cref="ArgumentException">The options cannot work, or not in this layer: all errors, each naming its property.</exception>
    void Reconfigure(GateOptions options);

    /// <summary>
    /// Routes the rows of <paramref name="x"/>: gives <see cref="Routing"/> choices (<see cref="Routing.SetChoices"/>), weights and slots
    /// (<see cref="Routing.AssignSlots"/>).
    /// </summary>
    void Forward(Tape tape, in Tensor x, in RoutingContext context);

    /// <summary>
    /// Gradients of the router and of its input, from those of the weights and from the auxiliary losses. Called by the layer
    /// while the routing of the same forward pass is still in place.
    /// </summary>
    /// <param name="tape">The tape.</param>
    /// <param name="dWeights">[rows, k]; the gate may overwrite them.</param>
    void Backward(Tape tape, DeviceSpan<float> dWeights);

    /// <summary>
    /// Ends a step, beside the optimizer: updates what the gate keeps but does not train, from what it added to that parameter's
    /// gradient in backward. Every worker calls it with the same sums.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="gradients">Gradients of the dense block over all micro-batches of the step, laid out like its values.</param>
    void EndStep(IDevice device, DeviceSpan<float> gradients);
}

/// <summary>What a gate needs of the micro-batch it routes.</summary>
/// <param name="Valid">1 for a token that takes part, 0 for padding; empty when all take part.</param>
/// <param name="ValidCount">Number of tokens that take part.</param>
/// <param name="AuxiliaryScale">Weight of this micro-batch's auxiliary losses in the step: 1 / micro-batches that have tokens.</param>
/// <param name="RandomKey">
/// Key of the random numbers of this (seed, step, micro-batch), and with <see cref="InLayer"/> of a layer; row t draws by its number. Null
/// where nothing is random: in evaluation.
/// </param>
public readonly record struct RoutingContext(DeviceSpan<int> Valid, int ValidCount, float AuxiliaryScale, ulong? RandomKey = null)
{
    /// <summary>Where the layer's routing keeps its statistics, where they are read with those of others; empty for memory of the tape.</summary>
    internal DeviceSpan<double> Statistics { get; init; }

    /// <summary>The context of layer number <paramref name="layer"/>, with random numbers of its own.</summary>
    public RoutingContext InLayer(int layer) =>
        RandomKey is { } key ? this with { RandomKey = CounterRandom.Derive(key, (ulong)layer) } : this;

    /// <summary>The key of a stream; null where nothing is random.</summary>
    internal ulong? Stream(RandomStream stream) => RandomKey is { } key ? CounterRandom.Derive(key, (ulong)stream) : null;
}

/// <summary>What a gate draws random numbers for; each has a stream of its own.</summary>
internal enum RandomStream
{
    /// <summary>Factors on the router's input.</summary>
    Jitter,

    /// <summary>Noise on the logits.</summary>
    Noise,

    /// <summary>The order in which tokens get slots.</summary>
    Slots,

    /// <summary>Noise by which the second choice is drawn.</summary>
    SecondChoice,
}
