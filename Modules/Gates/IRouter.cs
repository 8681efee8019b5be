using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>
/// The trained part of a gate: how tokens become logits. One object per layer and worker; it remembers of <see cref="Forward"/> what
/// <see cref="Backward"/> of the same micro-batch needs. A row's logits must depend on that row and the tensors alone. There may be no rows.
/// </summary>
public interface IRouter
{
    /// <summary>Experts of the layer.</summary>
    int Experts { get; }

    /// <summary>Logits [n, experts] of the rows of <paramref name="x"/> [n, features], in memory of the tape (<see cref="Tape.NewMatrix"/>).</summary>
    Matrix Forward(Tape tape, in Tensor x);

    /// <summary>
    /// Adds the gradients of the router's tensors to their <see cref="Parameters.Parameter.Gradient"/>, and writes that of the same x where
    /// <see cref="Tape.GradientToWrite"/> says, in the way it says.
    /// </summary>
    /// <param name="tape">The tape.</param>
    /// <param name="dLogits">[n, experts]; may be overwritten.</param>
    void Backward(Tape tape, in Matrix dLogits);
}
