namespace MoEActors.Workers.Exchange;

/// <summary>How the replicas of a layer's experts come to the same gradients. Collective: every worker of the view takes part.</summary>
internal abstract class ReplicaGradients
{
    /// <summary>Ends a step: afterwards all replicas of an expert have its gradient over all micro-batches, to the last bit.</summary>
    /// <param name="arena">Memory that is free between rounds.</param>
    public abstract void EndStep(Arena arena);
}
