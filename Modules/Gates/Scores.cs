using MoEActors.Modules.Autograd;

namespace MoEActors.Modules.Gates;

/// <summary>How a gate turns logits into scores.</summary>
public enum GateScores
{
    /// <summary>Softmax over the experts (Tutel, GShard, Mixtral).</summary>
    Softmax,

    /// <summary>Independent sigmoids, chosen by score plus a bias (DeepSeek-V3).</summary>
    Sigmoid,
}

/// <summary>How logits become scores: element by element, or within a row. A row's scores must depend on its logits alone.</summary>
public interface IScores
{
    /// <summary>Whether the scores of a row become probabilities only when they are divided by their sum.</summary>
    bool NeedSum { get; }

    /// <summary>Writes the scores and, for the z-loss, the log-sum-exp of each row of logits.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="logits">[n, experts].</param>
    /// <param name="scores">[n, experts], to be written.</param>
    /// <param name="logSumExp">[n], to be written.</param>
    void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp);

    /// <summary>Writes the gradient by the logits.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="scores">[n, experts] of the same pass.</param>
    /// <param name="dScores">[n, experts].</param>
    /// <param name="dLogits">[n, experts], to be written; the same memory as <paramref name="dScores"/>.</param>
    void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits);
}

/// <summary><see cref="GateScores.Softmax"/>.</summary>
internal sealed class SoftmaxScores : IScores
{
    public bool NeedSum => false;

    public void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp) =>
        tape.Device.Softmax(logits, scores, logSumExp);

    public void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits) =>
        tape.Device.SoftmaxGradient(scores, dScores, dLogits);
}

/// <summary><see cref="GateScores.Sigmoid"/>.</summary>
internal sealed class SigmoidScores : IScores
{
    public bool NeedSum => true;

    public void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp) =>
        tape.Device.Sigmoid(logits, scores, logSumExp);

    public void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits) =>
        tape.Device.SigmoidGradient(scores, dScores, dLogits);
}
