using MoEActors.Grains.Durability;
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

    /// <summary>Opens the data plane; must reach every silo of the cluster.</summary>
    public ICommunicatorProvider? Communicators { get; set; }
}
