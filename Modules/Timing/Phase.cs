namespace MoEActors.Modules.Timing;

/// <summary>What a worker's thread does in a training step. Forward and backward count alike.</summary>
public enum Phase
{
    /// <summary>Nothing of a step: it waits for orders, or carries out others, such as a move.</summary>
    Idle,

    /// <summary>The routed experts: grouped products and what is between them.</summary>
    Experts,

    /// <summary>Attention with its projections.</summary>
    Attention,

    /// <summary>Gates, and the ordering and combining of rows.</summary>
    Gate,

    /// <summary>Rows between workers, waiting for the others included.</summary>
    Exchange,

    /// <summary>Embedding, norms, dense and shared feed-forward blocks, head and loss.</summary>
    Dense,

    /// <summary>Clearing, reduction and norm of gradients, waiting for the others included.</summary>
    Gradients,

    /// <summary>The optimizer.</summary>
    Update,
}
