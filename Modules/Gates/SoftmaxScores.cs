using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary><see cref="GateScores.Softmax"/>.</summary>
internal sealed class SoftmaxScores : IScores
{
    /// <inheritdoc />
    public bool NeedSum => false;

    /// <inheritdoc />
    public void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp) =>
        tape.Device.Softmax(logits, scores, logSumExp);

    /// <inheritdoc />
    public void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits) =>
        tape.Device.SoftmaxGradient(scores, dScores, dLogits);
}
