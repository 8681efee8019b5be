namespace MoEActors.Placement.Simulation;

/// <summary>How the popularity of experts behaves in a generated trace.</summary>
public enum TraceKind
{
    /// <summary>Zipf-like popularity that drifts, fast at first and slowly later, as in a young run.</summary>
    Drift,

    /// <summary>Zipf-like popularity whose experts exchange their ranks at once, half-way.</summary>
    Swap,

    /// <summary>Popularity that grows from uniform to Zipf-like while it drifts.</summary>
    Growth,

    /// <summary>Every expert equally popular.</summary>
    Uniform,
}
