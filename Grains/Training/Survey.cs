using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Placement;

namespace MoEActors.Grains.Training;

/// <summary>What a roll-call found: the workers that answered, and where each shard lives.</summary>
internal sealed class Survey
{
    private readonly Dictionary<ShardId, List<WorkerId>> _holders = [];

    private Survey(IReadOnlyList<WorkerId> workers, IReadOnlyList<(string Silo, HostRoll Roll)> rolls)
    {
        Workers = workers;
        Rolls = rolls;
        foreach ((string silo, HostRoll roll) in rolls)
        {
            for (int device = 0; device < roll.Shards.Length; device++)
            {
                foreach (string shard in roll.Shards[device])
                {
                    HoldersOf(ShardId.Parse(shard)).Add(new WorkerId(silo, device));
                }
            }
        }
    }

    /// <summary>Every device of every silo asked, in the order of the silos.</summary>
    public IReadOnlyList<WorkerId> Workers { get; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<(string Silo, HostRoll Roll)> Rolls { get; }

    /// <summary>Calls the roll on some silos.</summary>
    /// <exception cref="EpochFailedException">One of them is gone.</exception>
    public static async Task<Survey> CallAsync(Members members, IReadOnlyList<string> silos)
    {
        HostRoll[] rolls = await Task.WhenAll(silos.Select(members.CallRollAsync));
        return new Survey(
            [.. silos.SelectMany((silo, i) => Enumerable.Range(0, rolls[i].Devices).Select(device => new WorkerId(silo, device)))],
            [.. silos.Zip(rolls)]);
    }

    /// <summary>Whether a worker holds a shard.</summary>
    public bool Holds(WorkerId worker, ShardId shard) => HoldersOf(shard).Contains(worker);

    /// <summary>
    /// The placement as it is. A shard may be found twice for a moment, as a source frees it only with the next order: then the worker that the
    /// map has it on speaks for it.
    /// </summary>
    /// <param name="wish">The placement to come.</param>
    /// <param name="current">The map that was written down last.</param>
    /// <exception cref="PlacementException">A shard lives on none of the wish's workers.</exception>
    public PlacementMap AsFound(PlacementMap wish, PlacementMap current)
    {
        int[][] ranks =
        [
            .. Enumerable.Range(0, wish.Layers).Select(layer =>
                Enumerable.Range(0, wish.RanksOf(layer).Length).Select(expert => RankOf(new ShardId(layer, expert), wish, current)).ToArray()),
        ];
        return new PlacementMap(wish.Version, wish.Workers, ranks);
    }

    private int RankOf(ShardId shard, PlacementMap wish, PlacementMap current)
    {
        WorkerId[] candidates = [current.WorkerOf(shard), wish.WorkerOf(shard), .. HoldersOf(shard)];
        foreach (WorkerId worker in candidates.Where(worker => Holds(worker, shard) && wish.RankOf(worker) >= 0))
        {
            return wish.RankOf(worker);
        }

        throw new PlacementException($"Shard {shard} lives on none of the placement's workers: it would be lost. Name the silo that holds it too.");
    }

    private List<WorkerId> HoldersOf(ShardId shard)
    {
        if (!_holders.TryGetValue(shard, out List<WorkerId>? holders))
        {
            holders = [];
            _holders.Add(shard, holders);
        }

        return holders;
    }
}
