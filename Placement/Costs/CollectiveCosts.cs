using MoEActors.Placement.Map;

namespace MoEActors.Placement.Costs;

/// <summary>How an all-to-all crosses the hosts.</summary>
public enum AllToAll
{
    /// <summary>Every worker sends to every other one: n − 1 messages.</summary>
    Linear,

    /// <summary>
    /// First inside the hosts, so that what goes to the same remote host lies together, then between hosts: (m − 1) + (n / m − 1) messages of m workers a
    /// host, and nearly twice the bytes. Source: 2DH all-to-all, Tutel (arXiv 2206.03382), appendix A.
    /// </summary>
    Hierarchical,
}

/// <summary>What exchanges take beside their bytes. A cluster of which nothing is known has <see cref="None"/>.</summary>
/// <param name="CollectiveSeconds">Start and end of a collective operation.</param>
/// <param name="InHostMessageSeconds">One message to a worker of the same host.</param>
/// <param name="BetweenHostsMessageSeconds">One message to a worker of another host.</param>
/// <param name="CopyBandwidth">Bytes per second that a worker copies in its own memory, reading and writing counted as one.</param>
public sealed record LinkCosts(double CollectiveSeconds, double InHostMessageSeconds, double BetweenHostsMessageSeconds, double CopyBandwidth)
{
    /// <summary>Bytes alone count.</summary>
    public static LinkCosts None { get; } = new(0, 0, 0, double.PositiveInfinity);
}

/// <summary>Predicted time of collective operations over hosts of equally many workers. O(1) each.</summary>
/// <param name="topology">Workers and bandwidths.</param>
/// <param name="links">What exchanges take beside their bytes.</param>
public sealed class CollectiveCosts(ClusterTopology topology, LinkCosts links)
{
    /// <summary>Number of workers.</summary>
    public int Workers { get; } = topology.Workers.Length;

    /// <summary>Workers of a host.</summary>
    public int PerHost { get; } = (topology.Workers.Length + topology.Hosts - 1) / topology.Hosts;

    /// <summary>
    /// Seconds of an all-to-all. Linear: Σ over the n − 1 peers of (message + bytes / n / bandwidth of the link). Hierarchical: the same inside
    /// the host with bytes / m to each neighbour, and between hosts with bytes · m / n to each, plus two copies that lay together what goes the same way.
    /// </summary>
    /// <param name="bytes">Bytes of one worker for all workers, itself included, spread evenly.</param>
    /// <param name="algorithm">How it crosses the hosts.</param>
    public double AllToAllSeconds(double bytes, AllToAll algorithm)
    {
        int neighbours = PerHost - 1, hosts = Workers / PerHost;
        if (Workers == 1 || bytes <= 0)
        {
            return 0;
        }

        if (algorithm == AllToAll.Linear || hosts <= 1)
        {
            int remote = Workers - PerHost;
            return links.CollectiveSeconds
                + (neighbours * InHost(bytes / Workers))
                + (remote * BetweenHosts(bytes / Workers));
        }

        return (2 * links.CollectiveSeconds) + (2 * bytes / links.CopyBandwidth)
            + (neighbours * InHost(bytes / PerHost))
            + ((hosts - 1) * BetweenHosts(bytes / hosts));
    }

    /// <summary>
    /// Seconds in which every worker of a group of neighbouring ranks gets what the others have (all-gather), or gives each the sum of its part
    /// (reduce-scatter). In rings, as NCCL does it: what comes to a host comes once, over the links of all its workers, and is passed on inside.
    /// </summary>
    /// <param name="bytes">Bytes of the whole, of which every worker has an equal part.</param>
    /// <param name="group">Workers of the group.</param>
    public double GatherSeconds(double bytes, double group)
    {
        if (group <= 1 || bytes <= 0)
        {
            return 0;
        }

        double perHost = Math.Min(group, PerHost), hosts = group / perHost;
        return links.CollectiveSeconds
            + ((perHost - 1) * InHost(bytes / perHost))
            + ((hosts - 1) * BetweenHosts(bytes / hosts / perHost));
    }

    private double InHost(double bytes) => links.InHostMessageSeconds + (bytes / topology.InHostBandwidth);

    private double BetweenHosts(double bytes) => links.BetweenHostsMessageSeconds + (bytes / topology.BetweenHostsBandwidth);
}
