namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Where a worker's time went in a step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.timing")]
public sealed class WorkerTiming
{
    /// <summary>Seconds on the clock.</summary>
    [Id(0)]
    public required PhaseSeconds Elapsed { get; init; }

    /// <summary>
    /// Seconds of the executor thread's processor time: without waiting for other workers or for a core. Where the system does not tell, as
    /// <see cref="Elapsed"/>.
    /// </summary>
    [Id(1)]
    public required PhaseSeconds Busy { get; init; }

    /// <summary>By layer: seconds on the clock in its gate, exchange and routed experts; 0 for a dense layer.</summary>
    [Id(2)]
    public required double[] MixtureElapsed { get; init; }

    /// <summary>By layer: seconds of processor time in its gate, exchange and routed experts.</summary>
    [Id(3)]
    public required double[] MixtureBusy { get; init; }

    /// <summary>Seconds of processor time of the device's other threads.</summary>
    [Id(4)]
    public required double HelperSeconds { get; init; }

    /// <summary>
    /// By layer: seconds of processor time in its exchange and routed experts, gradients of replicas included and the gate left out: what depends
    /// on the placement.
    /// </summary>
    [Id(5)]
    public required double[] ExpertsBusy { get; init; }

    /// <summary>Seconds of processor time of all threads of this worker.</summary>
    public double ProcessorSeconds => Busy.Total + HelperSeconds;
}
