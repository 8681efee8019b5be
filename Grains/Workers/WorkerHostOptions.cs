using MoEActors.Native;
using MoEActors.Native.Cpu;

namespace MoEActors.Grains.Workers;

/// <summary>The devices of a silo.</summary>
public sealed class WorkerHostOptions
{
    /// <summary>Opens the silo's devices, one worker each; one CPU device with one thread unless set.</summary>
    public Func<IReadOnlyList<IDevice>> Devices { get; set; } = () => [new CpuDevice()];

    /// <summary>Bytes that each device may allocate; null for its share of this process's memory. What does not fit is refused before it is allocated.</summary>
    public long? MemoryPerDevice { get; set; }
}
