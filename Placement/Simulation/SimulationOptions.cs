using MoEActors.Placement.Plans;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Simulation;

/// <summary>How a trace is replayed.</summary>
public sealed record SimulationOptions
{
    /// <summary>Number of workers.</summary>
    public int Workers { get; init; } = 8;

    /// <summary>Number of hosts; divides the workers.</summary>
    public int Hosts { get; init; } = 1;

    /// <summary>Slots of a layer beyond one per expert, on all workers together.</summary>
    public int SpareSlots { get; init; } = 8;

    /// <summary>A plan is made at every so many rows.</summary>
    public int Every { get; init; } = 1;

    /// <summary>How tokens are shared out to replicas.</summary>
    public IQuotaRule Quotas { get; init; } = new TokenQuotas();

    /// <summary>How eager the director is.</summary>
    public DirectorOptions Director { get; init; } = new();
}
