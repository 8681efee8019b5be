using MoEActors.Modules.Autograd;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>Decides which experts see a token, and with what weight.</summary>
public interface IGate
{
    /// <summary>What the last forward pass decided.</summary>
    Routing Routing { get; }

    /// <summary>The policy in force.</summary>
    GateOptions Options { get; }

    /// <summary>Replaces the policy, between two steps; the next forward pass follows it.</summary>
    /// <exception cref="ArgumentException">The options cannot work, or not in this layer: all mistakes, each naming its property.</exception>
    void Reconfigure(GateOptions options);

    /// <summary>Routes the rows of <paramref name="x"/>: fills <see cref="Routing"/>.</summary>
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
