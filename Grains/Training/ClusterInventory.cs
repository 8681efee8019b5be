using MoEActors.Grains.Interfaces.Errors;

namespace MoEActors.Grains.Training;

/// <summary>What the hosts of some silos hold of a model: the workers that answered, and where each shard lives.</summary>
internal sealed class ClusterInventory
{
    private readonly Dictionary<ExpertId, List<WorkerId>> _holders = [];

    private ClusterInventory(IReadOnlyList<WorkerId> workers, IReadOnlyList<(string Silo, HostInventory Inventory)> hosts)
    {
        Workers = workers;
        Hosts = hosts;
        foreach ((string silo, HostInventory inventory) in hosts)
        {
            for (int device = 0; device < inventory.Shards.Length; device++)
            {
                foreach (ExpertId expert in inventory.Shards[device])
                {
                    HoldersOf(expert).Add(new WorkerId(silo, device));
                }
            }
        }
    }

    /// <summary>Every device of every silo asked, in the order of the silos.</summary>
    public IReadOnlyList<WorkerId> Workers { get; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<(string Silo, HostInventory Inventory)> Hosts { get; }

    /// <summary>Takes the inventory of some silos.</summary>
    /// <exception cref="ViewFailedException">One of them is gone.</exception>
    public static async Task<ClusterInventory> TakeAsync(Members members, IReadOnlyList<string> silos)
    {
        HostInventory[] inventories = await Task.WhenAll(silos.Select(members.GetInventoryAsync));
        return new ClusterInventory(
            [.. silos.SelectMany((silo, i) => Enumerable.Range(0, inventories[i].Devices).Select(device => new WorkerId(silo, device)))],
            [.. silos.Zip(inventories)]);
    }

    /// <summary>Whether a worker holds a shard of an expert.</summary>
    public bool Holds(WorkerId worker, ExpertId expert) => HoldersOf(expert).Contains(worker);

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
        WorkerId[] holders = [.. HoldersOf(expert).Where(worker => wish.RankOf(worker) >= 0)];
        WorkerId[] known = [.. holders.Where(worker => current.Holds(worker, expert))];
        if (known.Length == 0)
        {
            known = [.. holders.OrderByDescending(worker => wish.Holds(worker, expert)).Take(1)];
        }

        return known.Length > 0
            ? [.. known.Select(wish.RankOf)]
            : throw new PlacementException($"Expert {expert} lives on none of the placement's workers: it would be lost. Name a silo that holds it too.");
    }

    private List<WorkerId> HoldersOf(ExpertId expert)
    {
        if (!_holders.TryGetValue(expert, out List<WorkerId>? holders))
        {
            holders = [];
            _holders.Add(expert, holders);
        }

        return holders;
    }
}
