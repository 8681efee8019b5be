namespace MoEActors.Workers.Exchange;

/// <summary>
/// Which ranks share a host, and which of them passes on what goes to a rank of another host: the one that has the same place there. So a rank exchanges with the others of its host, and
/// with one rank of every other host (2DH all-to-all: Tutel, arXiv 2206.03382, §3.2). Where a host has fewer ranks, one of them stands for several.
/// </summary>
public sealed class HostRelays
{
    private readonly int[] _hostOf;
    private readonly int[][] _ranks;
    private readonly int[] _places;

    /// <param name="hosts">By rank: what its host is called.</param>
    public HostRelays(IEnumerable<string> hosts)
    {
        (string Host, int Rank)[] ranks = [.. hosts.Select((host, rank) => (host, rank))];
        _ranks = [.. ranks.GroupBy(one => one.Host).Select(host => host.Select(one => one.Rank).ToArray())];
        _hostOf = new int[ranks.Length];
        _places = new int[ranks.Length];
        for (int host = 0; host < _ranks.Length; host++)
        {
            for (int place = 0; place < _ranks[host].Length; place++)
            {
                (_hostOf[_ranks[host][place]], _places[_ranks[host][place]]) = (host, place);
            }
        }
    }

    /// <summary>As many hosts as ranks.</summary>
    /// <param name="ranks">Number of ranks.</param>
    public static HostRelays Apart(int ranks) => new(Enumerable.Range(0, ranks).Select(rank => $"{rank}"));

    /// <summary>Whether there are several hosts, one of which has several ranks: without that there is nothing to pass on.</summary>
    public bool HasLevels => _ranks.Length > 1 && _ranks.Length < _hostOf.Length;

    /// <summary>The ranks of a rank's host, ascending, itself included.</summary>
    public ReadOnlySpan<int> Beside(int rank) => _ranks[_hostOf[rank]];

    /// <summary>The rank of the sender's host that passes on what goes to a receiver: the receiver itself where it is there.</summary>
    /// <param name="from">The sender.</param>
    /// <param name="to">The receiver.</param>
    public int Of(int from, int to)
    {
        ReadOnlySpan<int> beside = Beside(from);
        return beside[_places[to] % beside.Length];
    }
}
