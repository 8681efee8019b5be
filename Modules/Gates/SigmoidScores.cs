using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary><see cref="GateScores.Sigmoid"/>.</summary>
internal sealed class SigmoidScores : IScores
{
    /// <inheritdoc />
    public bool NeedSum => true;

    /// <inheritdoc />
    public void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp) =>
        tape.Device.Sigmoid(logits, scores, logSumExp);

    /// <inheritdoc />
    public void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits) =>
        tape.Device.SigmoidGradient(scores, dScores, dLogits);
}
