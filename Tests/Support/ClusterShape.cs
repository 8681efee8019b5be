namespace MoEActors.Tests.Support;

/// <summary>What a cluster is like: tests that want the same use one cluster after the other.</summary>
/// <param name="Silos">The number of devices of each silo, as words.</param>
/// <param name="Threads">Threads of each device.</param>
/// <param name="Memory">Bytes that each device may allocate; null for its share of what there is.</param>
/// <param name="Snapshots">Steps from one snapshot to the next.</param>
/// <param name="InGrainStorage">Whether runs are kept in a grain storage that can be disturbed (<see cref="TrainingCluster.Storage"/>), and not in memory.</param>
/// <param name="Configure">What else is different about its silos: a method, so that it is the same for all tests.</param>
internal sealed record ClusterShape(string Silos, int Threads, long? Memory, int Snapshots, bool InGrainStorage, Action<ISiloBuilder>? Configure)
{
    public ClusterShape(
        int[] devices, int threads = 1, long? memory = null, int snapshots = 20, bool inGrainStorage = false, Action<ISiloBuilder>? configure = null)
        : this(string.Join(' ', devices), threads, memory, snapshots, inGrainStorage, configure)
    {
    }

    /// <summary>The number of devices of each silo.</summary>
    public int[] Devices => [.. Silos.Split(' ').Select(int.Parse)];
}
