using MoEActors.Grains.Interfaces.Errors;

namespace MoEActors.Grains.Cluster;

/// <summary>What the hosts of some silos hold of a model: the workers that answered, and where each shard lives.</summary>
internal sealed class ClusterInventory(IReadOnlyList<WorkerId> workers, IReadOnlyList<(string Silo, HostInventory Inventory)> hosts)
{
    private readonly ILookup<ExpertId, WorkerId> _holders = (
        from host in hosts
        from device in Enumerable.Range(0, host.Inventory.Shards.Length)
        from expert in host.Inventory.Shards[device]
        select (expert, new WorkerId(host.Silo, device))).ToLookup(held => held.expert, held => held.Item2);

    /// <summary>Every device of every silo asked, in the order of the silos.</summary>
    public IReadOnlyList<WorkerId> Workers => workers;

    /// <summary>The answers.</summary>
    public IReadOnlyList<(string Silo, HostInventory Inventory)> Hosts => hosts;

    /// <summary>By worker: where its host accepts data connections, empty for nowhere; null where no host does.</summary>
    public string[]? EndPointsOf(IEnumerable<WorkerId> members)
    {
        Dictionary<string, string?> places = hosts.ToDictionary(host => host.Silo, host => host.Inventory.EndPoint);
        return places.Values.All(place => place is null) ? null : [.. members.Select(worker => places.GetValueOrDefault(worker.Silo) ?? "")];
    }

    /// <summary>
    /// Which rank gives what of a snapshot from its memory, so that every worker of a placement has what is placed on it; null where a part of it is in nobody's. A worker that needs
    /// what it has gives it to itself.
    /// </summary>
    /// <param name="tag">The snapshot's tag; null for one that was never copied.</param>
    /// <param name="map">The placement.</param>
    public CopySources? SourcesOf(string? tag, PlacementMap map)
    {
        (int Rank, HeldCopies Copies)[] held =
        [
            .. from host in hosts
               from device in Enumerable.Range(0, host.Inventory.Copies.Length)
               let rank = map.RankOf(new WorkerId(host.Silo, device))
               where rank >= 0
               from copies in host.Inventory.Copies[device]
               where copies.Tag == tag
               select (rank, copies),
        ];
        ILookup<ExpertId, int> holders = held.SelectMany(one => one.Copies.Experts.Select(expert => (expert, one.Rank))).ToLookup(one => one.expert, one => one.Rank);
        int dense = held.Where(one => one.Copies.Dense).Select(one => one.Rank).DefaultIfEmpty(-1).First();
        int[][] experts =
        [
            .. Enumerable.Range(0, map.Layers).Select(layer => Enumerable.Range(0, map.PlacementOf(layer).Experts)
                .Select(expert => new ExpertId(layer, expert))
                .Select(expert => holders[expert].OrderByDescending(rank => map.PlacementOf(layer).Holds(expert.Expert, rank)).DefaultIfEmpty(-1).First())
                .ToArray()),
        ];
        return dense < 0 || experts.Any(layer => layer.Contains(-1)) ? null : new CopySources(tag!, dense, experts);
    }

    /// <summary>Takes the inventory of some silos.</summary>
    /// <exception cref="ViewFailedException">One of them is gone.</exception>
    public static async Task<ClusterInventory> TakeAsync(Members members, IReadOnlyList<string> silos) =>
        Of([.. silos.Zip(await members.GetInventoriesAsync(silos))]);

    /// <summary>The inventory of silos that have answered.</summary>
    public static ClusterInventory Of(IReadOnlyList<(string Silo, HostInventory Inventory)> hosts) => new(
        [.. hosts.SelectMany(host => Enumerable.Range(0, host.Inventory.Devices).Select(device => new WorkerId(host.Silo, device)))], hosts);

    /// <summary>That of the hosts alone which fit.</summary>
    public ClusterInventory Where(Predicate<HostInventory> fits) => Of([.. hosts.Where(host => fits(host.Inventory))]);

    /// <summary>Whether every expert of a model is on one of the hosts.</summary>
    /// <param name="experts">Experts of each layer.</param>
    public bool HoldsAll(IReadOnlyList<int> experts) =>
        experts.Select((count, layer) => Enumerable.Range(0, count).All(expert => _holders.Contains(new ExpertId(layer, expert)))).All(held => held);

    /// <summary>Whether a worker holds a shard of an expert.</summary>
    public bool Holds(WorkerId worker, ExpertId expert) => _holders[expert].Contains(worker);

    /// <summary>
    /// The placement as it is. A shard may be found where the map does not have it, on a worker that missed the last change: those that
    /// the map has it on count.
    /// </summary>
    /// <param name="wish">The placement to come.</param>
    /// <param name="current">The map that was written down last.</param>
    /// <exception cref="PlacementException">An expert lives on none of the wish's workers.</exception>
    public PlacementMap AsFound(PlacementMap wish, PlacementMap current) => PlacementMap.OfReplicas(
        wish.Version,
        wish.Workers,
        [
            .. Enumerable.Range(0, wish.Layers).Select(layer =>
                Enumerable.Range(0, wish.PlacementOf(layer).Experts).Select(expert => RanksOf(new ExpertId(layer, expert), wish, current)).ToArray()),
        ]);

    private int[] RanksOf(ExpertId expert, PlacementMap wish, PlacementMap current)
    {
        WorkerId[] holders = [.. _holders[expert].Where(worker => wish.RankOf(worker) >= 0)];
        WorkerId[] known = [.. holders.Where(worker => current.Holds(worker, expert))];
        if (known.Length == 0)
        {
            known = [.. holders.OrderByDescending(worker => wish.Holds(worker, expert)).Take(1)];
        }

        return known.Length > 0
            ? [.. known.Select(wish.RankOf)]
            : throw new PlacementException($"Expert {expert} lives on none of the placement's workers: it would be lost. Name a silo that holds it too.");
    }
}
