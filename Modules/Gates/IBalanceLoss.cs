using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>A loss that keeps experts equally busy. It is a product of means over the tokens of a micro-batch.</summary>
internal interface IBalanceLoss
{
    /// <summary>The loss, without coefficient, of a pass that has chosen. There is at least one token.</summary>
    double Measure(Tape tape, GatePass pass);

    /// <summary>Adds <paramref name="factor"/> times the gradient by the scores.</summary>
    void AddScoreGradient(Tape tape, GatePass pass, float factor, in Matrix dScores);

    /// <summary>Adds <paramref name="factor"/> times the gradient by the logits that does not go through the scores.</summary>
    void AddLogitGradient(Tape tape, GatePass pass, float factor, in Matrix dLogits);
}
