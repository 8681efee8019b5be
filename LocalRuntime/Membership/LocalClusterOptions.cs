namespace Orleans.Hosting;

/// <summary>How an embedded cluster behaves.</summary>
public sealed record LocalClusterOptions
{
    /// <summary>The name of the cluster.</summary>
    public string ClusterId { get; init; } = "local";

    /// <summary>The clock of timeouts, timers and idleness.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The seed of every random choice.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// The share of the other silos' healthy grains that a killed silo takes with it, as the default directory of Orleans does; half of
    /// it for a graceful stop. Zero is what Orleans' distributed directory does.
    /// </summary>
    public double DirectoryFailureShare { get; init; } = 0.1;

    /// <summary>How long a client outside of all silos waits for an answer.</summary>
    public TimeSpan ClientResponseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Asked before each call is delivered; for tests of what goes wrong.</summary>
    public Func<LocalCall, LocalFault>? Faults { get; init; }
}
