namespace MoEActors.Modules.Timing;

/// <summary>Where a worker's time went in a step.</summary>
public sealed record WorkerTiming
{
    /// <summary>Seconds on the clock.</summary>
    public required PhaseSeconds Elapsed { get; init; }

    /// <summary>
    /// Seconds of the executor thread's processor time: without waiting for other workers or for a core. Where the system does not tell, as
    /// <see cref="Elapsed"/>.
    /// </summary>
    public required PhaseSeconds Busy { get; init; }

    /// <summary>By layer: seconds on the clock in its gate, exchange and routed experts; 0 for a dense layer.</summary>
    public required double[] MixtureElapsed { get; init; }

    /// <summary>By layer: seconds of processor time in its gate, exchange and routed experts.</summary>
    public required double[] MixtureBusy { get; init; }

    /// <summary>Seconds of processor time of the device's other threads.</summary>
    public required double HelperSeconds { get; init; }

    /// <summary>
    /// By layer: seconds of processor time in its exchange and routed experts, gradients of replicas included and the gate left out: what depends
    /// on the placement.
    /// </summary>
    public required double[] ExpertsBusy { get; init; }

    /// <summary>Bytes of rows, and of weights and their gradients where these travel, that it sent to other workers in its layers' exchanges, forward and backward.</summary>
    public long SentBytes { get; init; }

    /// <summary>Messages that these went in: all that one exchange brings to one worker is one.</summary>
    public long SentMessages { get; init; }

    /// <summary>Seconds of processor time of all threads of this worker.</summary>
    public double ProcessorSeconds => Busy.Total + HelperSeconds;
}

/// <summary>
/// Seconds of one worker by what its executor thread was doing, from the moment at which it had prepared a step to the moment at which it had
/// prepared the next: the update of the first, the calls between them, forward and backward of the second. Every moment is in one of them.
/// </summary>
public sealed record PhaseSeconds
{
    /// <summary>
    /// Nothing of a step. While steps follow each other this is the control plane: reporting, deciding, and giving the next command. It also holds
    /// what is done between steps, such as moves, and the wait for a batch that was not submitted ahead.
    /// </summary>
    public double Idle { get; init; }

    /// <summary>The routed experts' products and activations.</summary>
    public double Experts { get; init; }

    /// <summary>Attention with its projections.</summary>
    public double Attention { get; init; }

    /// <summary>Gates, and the ordering and combining of rows.</summary>
    public double Gate { get; init; }

    /// <summary>Rows between workers, waiting for the others included.</summary>
    public double Exchange { get; init; }

    /// <summary>Embedding, norms, dense and shared feed-forward blocks, head and loss.</summary>
    public double Dense { get; init; }

    /// <summary>Clearing, reduction and norm of gradients, waiting for the others included.</summary>
    public double Gradients { get; init; }

    /// <summary>The optimizer.</summary>
    public double Update { get; init; }

    /// <summary>All phases together.</summary>
    public double Total => Idle + Experts + Attention + Gate + Exchange + Dense + Gradients + Update;

    /// <summary>The mean of each phase; zero of nothing.</summary>
    public static PhaseSeconds Mean(IReadOnlyCollection<PhaseSeconds> all)
    {
        double Of(Func<PhaseSeconds, double> phase) => all.Select(phase).DefaultIfEmpty().Average();
        return new PhaseSeconds
        {
            Idle = Of(seconds => seconds.Idle),
            Experts = Of(seconds => seconds.Experts),
            Attention = Of(seconds => seconds.Attention),
            Gate = Of(seconds => seconds.Gate),
            Exchange = Of(seconds => seconds.Exchange),
            Dense = Of(seconds => seconds.Dense),
            Gradients = Of(seconds => seconds.Gradients),
            Update = Of(seconds => seconds.Update),
        };
    }
}
