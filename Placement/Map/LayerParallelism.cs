namespace MoEActors.Placement.Map;

/// <summary>
/// What travels in a layer: its rows, or its experts' weights. Shards stay where the placement has them, so that it may be another one in every step. Losses
/// and gradients have the same bits under both.
/// </summary>
public enum LayerParallelism
{
    /// <summary>Rows travel to the workers that hold their experts, and back (r = 1 in Tutel, arXiv 2206.03382, §3.1).</summary>
    Expert = 0,

    /// <summary>
    /// Rows stay: every worker gets the weights of the experts that its rows chose, for this pass, and sends the gradients home (r = 0). Worth it where rows are
    /// many and experts small: k·f·T over H·(E − 1).
    /// </summary>
    Data = 1,

    /// <summary>
    /// Rows travel, and where that makes the busiest worker faster, the weights of its experts to others, which compute some of its micro-batches' parts: copies that
    /// live for one pass (least-loaded expert parallelism, LLEP, arXiv 2601.17111). Worth it where the load is uneven in a way that no placement can foresee.
    /// </summary>
    TransientCopies = 2,
}
