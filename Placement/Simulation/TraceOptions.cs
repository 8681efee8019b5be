namespace MoEActors.Placement.Simulation;

/// <summary>The trace that shall be generated.</summary>
public sealed record TraceOptions
{
    /// <summary>How popularity behaves.</summary>
    public TraceKind Kind { get; init; } = TraceKind.Drift;

    /// <summary>Mixture-of-experts layers.</summary>
    public int Layers { get; init; } = 24;

    /// <summary>Experts of each layer.</summary>
    public int Experts { get; init; } = 32;

    /// <summary>Steps of the run.</summary>
    public int Steps { get; init; } = 1500;

    /// <summary>Every so many steps one is sampled.</summary>
    public int Interval { get; init; } = 10;

    /// <summary>Tokens routed in a layer and step, all choices counted.</summary>
    public int Tokens { get; init; } = 65_536;

    /// <summary>Same seed, same trace.</summary>
    public ulong Seed { get; init; } = 1;
}
