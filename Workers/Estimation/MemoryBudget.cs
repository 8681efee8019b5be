namespace MoEActors.Workers.Estimation;

/// <summary>What a device may allocate unless it is told.</summary>
public static class MemoryBudget
{
    /// <summary>What workers have of a process's memory. The rest is for the managed heap, packed operands and the system.</summary>
    public const double DeviceShare = 0.8;

    /// <summary>What workers have of a memory of the device's own. The rest is for the libraries, their workspaces and fragments.</summary>
    public const double OwnMemoryShare = 0.9;

    /// <summary>What a device may allocate: its share of its own memory, or of this process's.</summary>
    /// <param name="device">The device.</param>
    /// <param name="workers">Workers that share that memory.</param>
    public static long Of(IDevice device, int workers) =>
        device.FreeBytes is { } free ? (long)(free * OwnMemoryShare / Math.Max(1, workers)) : Default(workers);

    /// <summary>An equal share of this process's memory, a container's limit respected.</summary>
    /// <param name="workers">Workers of the process.</param>
    public static long Default(int workers) => (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * DeviceShare / Math.Max(1, workers));
}
