namespace Orleans.Runtime;

/// <summary>Something that waits to run on an activation: a request or a tick of a timer.</summary>
internal abstract class Turn
{
    public abstract bool IsAlwaysInterleave { get; }

    public abstract bool IsReadOnly { get; }

    /// <summary>Whether it counts as use of the grain, which keeps it from being collected.</summary>
    public abstract bool IsUse { get; }

    public virtual Guid ReentrancyId => Guid.Empty;

    /// <summary>Runs it, on the activation's scheduler. Must not throw.</summary>
    public abstract Task RunAsync(Activation activation);

    /// <summary>Ends it without running it.</summary>
    public abstract void Reject(Exception exception);

    /// <summary>Sends it to the grain's next activation, after this one has ended: on that silo, if one is named.</summary>
    public abstract void Reroute(SiloAddress? to);
}
