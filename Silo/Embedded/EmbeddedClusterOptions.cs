using MoEActors.Grains.Durability;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;

namespace MoEActors.Silo.Embedded;

/// <summary>What a cluster inside this process is like.</summary>
public sealed record EmbeddedClusterOptions
{
    /// <summary>Number of silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>CPU devices of each silo, one worker each.</summary>
    public int DevicesPerSilo { get; init; } = 1;

    /// <summary>Threads of each worker; 0 for cores / workers, at least one.</summary>
    public int ThreadsPerWorker { get; init; }

    /// <summary>Bytes that each worker may allocate; null for an equal share of this process's memory.</summary>
    public long? MemoryPerWorker { get; init; }

    /// <summary>Keeps runs; in the memory of the process unless set.</summary>
    public IRunStore? Store { get; init; }

    /// <summary>Experts of your own, which configurations may then name.</summary>
    public IReadOnlyList<IExpertKind> ExpertKinds { get; init; } = [];

    /// <summary>Gates of your own, likewise.</summary>
    public IReadOnlyList<IGateKind> GateKinds { get; init; } = [];

    /// <summary>Called for every silo after everything else has been set.</summary>
    public Action<int, ISiloBuilder>? Configure { get; init; }
}
