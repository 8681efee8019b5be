using System.Collections.Immutable;

namespace MoEActors.Placement.Map;

/// <summary>The workers of a cluster in rank order, the hosts that they share, and the links between them. Immutable and free of contradictions.</summary>
public sealed class ClusterTopology
{
    /// <summary>Checks and keeps a topology. O(workers).</summary>
    /// <param name="workers">The workers in rank order; the workers of a host are consecutive.</param>
    /// <param name="inHostBandwidth">Bandwidth of one worker to others of its host, in bytes per second.</param>
    /// <param name="betweenHostsBandwidth">Bandwidth of one worker to other hosts, in bytes per second; no more than inside a host.</param>
    /// <exception cref="PlacementException">Naming the worker or the bandwidth that contradicts the rest.</exception>
    public ClusterTopology(IReadOnlyList<WorkerCapacity> workers, double inHostBandwidth, double betweenHostsBandwidth)
    {
        if (workers.Count == 0)
        {
            throw new PlacementException("The topology names no worker; at least one is needed.");
        }

        RequirePositive("in-host bandwidth", inHostBandwidth);
        RequirePositive("bandwidth between hosts", betweenHostsBandwidth);
        if (betweenHostsBandwidth > inHostBandwidth)
        {
            throw new PlacementException(
                $"The bandwidth between hosts, {betweenHostsBandwidth:G4} bytes/s, is above the in-host bandwidth, {inHostBandwidth:G4}; exchange the two.");
        }

        Dictionary<string, int> hosts = [];
        int[] hostOf = new int[workers.Count];
        for (int rank = 0; rank < workers.Count; rank++)
        {
            RequireNoLess($"worker {rank}: slots per layer", workers[rank].SlotsPerLayer);
            RequireNoLess($"worker {rank}: memory bytes", workers[rank].MemoryBytes);
            if (!hosts.TryGetValue(workers[rank].Host, out int host))
            {
                hosts.Add(workers[rank].Host, host = hosts.Count);
            }
            else if (hostOf[rank - 1] != host)
            {
                throw new PlacementException($"Worker {rank} is on host {workers[rank].Host} again after another host; the workers of a host must be consecutive.");
            }

            hostOf[rank] = host;
        }

        Workers = [.. workers];
        HostOf = [.. hostOf];
        Hosts = hosts.Count;
        InHostBandwidth = inHostBandwidth;
        BetweenHostsBandwidth = betweenHostsBandwidth;
    }

    /// <summary>The workers in rank order.</summary>
    public ImmutableArray<WorkerCapacity> Workers { get; }

    /// <summary>By rank: the number of its host, from 0.</summary>
    public ImmutableArray<int> HostOf { get; }

    /// <summary>Number of hosts.</summary>
    public int Hosts { get; }

    /// <summary>Bandwidth of one worker to others of its host, in bytes per second.</summary>
    public double InHostBandwidth { get; }

    /// <summary>Bandwidth of one worker to other hosts, in bytes per second.</summary>
    public double BetweenHostsBandwidth { get; }

    /// <summary>Bandwidth between two ranks, in bytes per second.</summary>
    public double Bandwidth(int from, int to) => HostOf[from] == HostOf[to] ? InHostBandwidth : BetweenHostsBandwidth;

    /// <summary>
    /// Slots of every worker in one layer: what it offers, or what its memory holds where that is less. O(workers).
    /// </summary>
    /// <param name="experts">Experts of each layer; 0 for a dense one.</param>
    /// <param name="shardBytes">State of one shard, in bytes.</param>
    /// <exception cref="PlacementException">The slots do not hold one shard of every expert.</exception>
    public ImmutableArray<int> SlotsPerLayer(IReadOnlyList<int> experts, long shardBytes)
    {
        int layers = experts.Count(count => count > 0);
        long perSlot = Math.Max(1, shardBytes * Math.Max(1, layers));
        ImmutableArray<int> slots = [.. Workers.Select(worker => (int)Math.Min(worker.SlotsPerLayer, worker.MemoryBytes / perSlot))];
        for (int layer = 0; layer < experts.Count; layer++)
        {
            if (slots.Sum(count => (long)count) < experts[layer])
            {
                throw new PlacementException(
                    $"Layer {layer} has {experts[layer]} experts; the {Workers.Length} workers hold {slots.Sum()} of {shardBytes} bytes. Add workers, slots or memory.");
            }
        }

        return slots;
    }

    private static void RequirePositive(string name, double value)
    {
        if (!(value > 0) || double.IsInfinity(value))
        {
            throw new PlacementException($"The {name} is {value:G4} bytes/s; it must be above 0.");
        }
    }

    private static void RequireNoLess(string name, long value)
    {
        if (value < 0)
        {
            throw new PlacementException($"The topology's {name} is {value}; it must not be negative.");
        }
    }
}

/// <summary>What one worker can hold.</summary>
/// <param name="Host">Name of the host that the worker runs on.</param>
/// <param name="SlotsPerLayer">Expert shards that it may hold of every layer.</param>
/// <param name="MemoryBytes">Memory for expert shards of all layers, in bytes.</param>
public sealed record WorkerCapacity(string Host, int SlotsPerLayer, long MemoryBytes = long.MaxValue);
