namespace MoEActors.Workers.Estimation;

/// <summary>What a device may allocate unless it is told.</summary>
public static class MemoryBudget
{
    /// <summary>What workers have of a process's memory. The rest is for the managed heap, packed operands and the system.</summary>
    public const double DeviceShare = 0.8;

    /// <summary>An equal share of this process's memory, a container's limit respected.</summary>
    /// <param name="workers">Workers of the process.</param>
    public static long Default(int workers) => (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * DeviceShare / Math.Max(1, workers));
}
