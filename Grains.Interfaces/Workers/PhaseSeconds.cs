namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// Seconds of one worker by what its executor thread was doing, from the moment at which it had prepared a step to the moment at which it had
/// prepared the next: the update of the first, the calls between them, forward and backward of the second. Every moment is in one of them.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.phases")]
public sealed record PhaseSeconds
{
    /// <summary>
    /// Nothing of a step. While steps follow each other this is the control plane: reporting, deciding, and giving the next order. It also holds
    /// what is done between steps, such as moves, and the wait for a batch that was not submitted ahead.
    /// </summary>
    [Id(0)]
    public double Idle { get; init; }

    /// <summary>The routed experts' products and activations.</summary>
    [Id(1)]
    public double Experts { get; init; }

    /// <summary>Attention with its projections.</summary>
    [Id(2)]
    public double Attention { get; init; }

    /// <summary>Gates, and the ordering and combining of rows.</summary>
    [Id(3)]
    public double Gate { get; init; }

    /// <summary>Rows between workers, waiting for the others included.</summary>
    [Id(4)]
    public double Exchange { get; init; }

    /// <summary>Embedding, norms, dense and shared feed-forward blocks, head and loss.</summary>
    [Id(5)]
    public double Dense { get; init; }

    /// <summary>Clearing, reduction and norm of gradients, waiting for the others included.</summary>
    [Id(6)]
    public double Gradients { get; init; }

    /// <summary>The optimizer.</summary>
    [Id(7)]
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
