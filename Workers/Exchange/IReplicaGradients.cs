namespace MoEActors.Workers.Exchange;

/// <summary>How the replicas of a layer's experts come to the same gradients. Collective: every worker of the view takes part.</summary>
internal interface IReplicaGradients
{
    /// <summary>Ends a round, after its backward pass.</summary>
    void EndRound();

    /// <summary>Ends a step: afterwards all replicas of an expert have its gradient over all micro-batches, to the last bit.</summary>
    void EndStep();
}
