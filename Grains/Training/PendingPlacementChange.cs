namespace MoEActors.Grains.Training;

/// <summary>A change of placement among the members of a view, which makes the next one.</summary>
/// <param name="before">The placement in force.</param>
/// <param name="after">The placement to come, of the same workers; its version is the next view.</param>
internal sealed class PendingPlacementChange(PlacementMap before, PlacementMap after)
{
    private readonly ShardMove[] _moves = MovesOf(before, after);

    public PlacementMap Before => before;

    public PlacementMap After => after;

    /// <summary>What the worker hosts are told.</summary>
    public PlacementChange Message => new(after.Version, after, _moves);

    /// <summary>Layers whose experts are elsewhere afterwards.</summary>
    public IEnumerable<int> ChangedLayers =>
        Enumerable.Range(0, After.Layers).Where(layer => !After.PlacementOf(layer).Equals(Before.PlacementOf(layer)));

    /// <summary>Shards that arrive somewhere.</summary>
    public int Moves => _moves.Length;

    /// <summary>Why the change cannot be adopted; null when it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>Number of the command that told the members to adopt it; 0 when it was not told, or not to all.</summary>
    public long Adoption { get; set; }

    /// <summary>Seconds that its copies took beside the step, on the slowest worker.</summary>
    public double CopySeconds { get; private set; }

    /// <summary>Seconds that the step had to wait for them.</summary>
    public double WaitSeconds { get; private set; }

    /// <summary>Concludes from what has arrived whether the change can be adopted.</summary>
    /// <param name="arrivals">What has arrived at all workers, in rank order.</param>
    public void Conclude(IReadOnlyList<ShardArrivals?> arrivals)
    {
        CopySeconds = arrivals.Max(report => report?.CopySeconds ?? 0);
        WaitSeconds = arrivals.Max(report => report?.WaitSeconds ?? 0);
        ShardArrivals? failed = arrivals.FirstOrDefault(report => report is { Failure: not null, IsConsequence: false })
            ?? arrivals.FirstOrDefault(report => report?.Failure is not null);
        Failure = failed?.Failure ?? _moves.Where(move => !HasArrived(arrivals[move.To], move))
            .Select(move => $"Expert {move.Expert} of layer {move.Layer} did not arrive on rank {move.To}.")
            .FirstOrDefault();
    }

    private bool HasArrived(ShardArrivals? report, ShardMove move) =>
        report?.View == After.Version && report.Experts.Contains(move.ExpertId);

    /// <summary>What must travel. Copies come from a holder of the same silo where there is one: only which bandwidth is the higher counts here.</summary>
    private static ShardMove[] MovesOf(PlacementMap before, PlacementMap after)
    {
        WorkerCapacity[] workers = [.. before.Workers.Select(worker => new WorkerCapacity(worker.Silo, int.MaxValue))];
        ClusterTopology links = new(workers, inHostBandwidth: 2, betweenHostsBandwidth: 1);
        return
        [
            .. Enumerable.Range(0, after.Layers)
                .SelectMany(layer => PlacementMoves.Between(layer, before.PlacementOf(layer), after.PlacementOf(layer), links)),
        ];
    }
}
