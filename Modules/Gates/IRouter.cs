using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>The trained part of a gate: how tokens become logits.</summary>
public interface IRouter
{
    /// <summary>Experts of the layer.</summary>
    int Experts { get; }

    /// <summary>Logits [n, experts] of the rows of <paramref name="x"/> [n, features].</summary>
    Matrix Forward(Tape tape, in Tensor x);

    /// <summary>Adds the gradients of the router's tensors, and writes that of the same x.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="dLogits">[n, experts]; may be overwritten.</param>
    void Backward(Tape tape, in Matrix dLogits);
}
