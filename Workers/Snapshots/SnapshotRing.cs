namespace MoEActors.Workers.Snapshots;

/// <summary>
/// Whose memory has the second copy of what a worker writes of a snapshot: a worker of the next host, in the order of ranks and around, or of the next silo where all silos are
/// on one host. A silo that is lost takes at most one of the two copies with it. The host is what a silo's address names; what several addresses have in common, nobody says.
/// </summary>
internal static class SnapshotRing
{
    /// <summary>By rank: the rank with the second copy; empty where there is nobody but one silo.</summary>
    public static int[] Of(IReadOnlyList<WorkerId> workers)
    {
        int[][] groups = GroupsOf(workers, worker => HostOf(worker.Silo));
        groups = groups.Length > 1 ? groups : GroupsOf(workers, worker => worker.Silo);
        if (groups.Length == 1)
        {
            return [];
        }

        int[] neighbours = new int[workers.Count];
        for (int i = 0; i < groups.Length; i++)
        {
            int[] next = groups[(i + 1) % groups.Length];
            for (int k = 0; k < groups[i].Length; k++)
            {
                neighbours[groups[i][k]] = next[k % next.Length];
            }
        }

        return neighbours;
    }

    private static int[][] GroupsOf(IReadOnlyList<WorkerId> workers, Func<WorkerId, string> key) =>
        [.. Enumerable.Range(0, workers.Count).GroupBy(rank => key(workers[rank])).Select(group => group.ToArray())];

    /// <summary>A silo's address without port and generation.</summary>
    private static string HostOf(string silo) => silo.LastIndexOf(':') is > 0 and var colon ? silo[..colon] : silo;
}
