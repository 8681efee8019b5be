namespace MoEActors.Silo.Embedded;

/// <summary>What only the embedded actor runtime can do.</summary>
public sealed partial record EmbeddedSilosOptions
{
    /// <summary>The clock, the seed, the faults of the cluster.</summary>
    public LocalClusterOptions Local { get; init; } = new();
}
