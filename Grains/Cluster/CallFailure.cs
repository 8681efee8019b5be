namespace MoEActors.Grains.Cluster;

/// <summary>Calls to silos and grains that are not answered.</summary>
internal static class CallFailure
{
    /// <summary>
    /// Whether an exception says that a call has got no answer: Orleans has turned it away, knows no silo to send it to, or has waited in vain. What the other side has
    /// done of it is not known. A call that expires while a place for its grain is looked for counts as cancelled to Orleans.
    /// </summary>
    public static bool IsUnanswered(Exception e) => e is OrleansException or TimeoutException or OperationCanceledException;
}
