namespace MoEActors.Modules.Gates;

/// <summary>How a gate turns logits into scores.</summary>
public enum GateScores
{
    /// <summary>Softmax over the experts (Tutel, GShard, Mixtral).</summary>
    Softmax,

    /// <summary>Independent sigmoids, chosen by score plus a bias (DeepSeek-V3).</summary>
    Sigmoid,
}
