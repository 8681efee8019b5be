using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>Decides which experts see a token, and with what weight.</summary>
public interface IGate
{
    /// <summary>What the last forward pass decided.</summary>
    Routing Routing { get; }

    /// <summary>Routes the rows of <paramref name="x"/>: fills <see cref="Routing"/>.</summary>
    void Forward(Tape tape, in Tensor x, in RoutingContext context);

    /// <summary>
    /// Gradients of the router and of its input, from those of the weights and from the auxiliary losses. Called by the layer
    /// while the routing of the same forward pass is still in place.
    /// </summary>
    /// <param name="tape">The tape.</param>
    /// <param name="dWeights">[rows, k].</param>
    void Backward(Tape tape, DeviceSpan<float> dWeights);
}
