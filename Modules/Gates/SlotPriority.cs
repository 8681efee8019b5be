namespace MoEActors.Modules.Gates;

/// <summary>
/// Whose choice gets a slot while there are some. First choices always come before second ones; this is the order within.
/// </summary>
public enum SlotPriority
{
    /// <summary>Earlier tokens first (GShard, arXiv 2006.16668, algorithm 1).</summary>
    Position,

    /// <summary>Tokens with a better best score first: batch-prioritised routing (V-MoE, arXiv 2106.05974, §4; Tutel).</summary>
    Score,

    /// <summary>A fresh random order in training: random token selection (DeepSpeed-MoE, arXiv 2201.05596). By position in evaluation.</summary>
    Random,
}
