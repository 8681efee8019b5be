using MoEActors.Grains.Durability;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;

namespace MoEActors.Silo.Hosting;

/// <summary>What a silo contributes to the cluster.</summary>
public sealed class MoEOptions
{
    /// <summary>Opens the silo's devices, one worker each; one CPU device that uses every core unless set.</summary>
    public Func<IReadOnlyList<IDevice>> Devices { get; set; } = () => [new CpuDevice(Environment.ProcessorCount)];

    /// <summary>Bytes that each device may allocate; null for its share of this process's memory. What does not fit is refused before it is allocated.</summary>
    public long? MemoryPerDevice { get; set; }

    /// <summary>Keeps runs; must be the same store for every silo of the cluster.</summary>
    public IRunStore? Store { get; set; }

    /// <summary>
    /// Experts of your own, which configurations may then name. Every silo and every client of the cluster needs them. Expert kinds have no state, so
    /// that one object serves all.
    /// </summary>
    public IReadOnlyList<IExpertKind> ExpertKinds { get; set; } = [];

    /// <summary>Gates of your own, likewise.</summary>
    public IReadOnlyList<IGateKind> GateKinds { get; set; } = [];

    /// <summary>Opens the data plane; must reach every silo of the cluster.</summary>
    public ICommunicatorProvider? Communicators { get; set; }

    /// <summary>The door for callers of layers in this process; one for all of its silos and its client.</summary>
    public CallerBuffers? CallerBuffers { get; set; }
}
