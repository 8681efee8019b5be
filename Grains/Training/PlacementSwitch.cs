using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Training;

/// <summary>A change of placement among the members of an epoch, which makes the next one.</summary>
internal sealed class PlacementSwitch
{
    private readonly ShardMove[] _moves;

    /// <summary>Works out what must travel.</summary>
    /// <param name="before">The placement in force.</param>
    /// <param name="after">The placement to come, of the same workers; its version is the next epoch.</param>
    public PlacementSwitch(PlacementMap before, PlacementMap after)
    {
        ClusterTopology topology = Links(before);
        Before = before;
        After = after;
        _moves = [.. Enumerable.Range(0, after.Layers).SelectMany(layer =>
            PlacementMoves.Between(layer, before.PlacementOf(layer), after.PlacementOf(layer), topology))];
        Message = new SwitchMessage
        {
            Epoch = after.Version,
            Map = PlacementMapMessage.From(after),
            Moves = [.. _moves.Select(move => new ShardTransferMessage(move.Layer, move.Expert, move.From, move.To))],
        };
    }

    /// <summary>The placement in force.</summary>
    public PlacementMap Before { get; }

    /// <summary>The placement to come.</summary>
    public PlacementMap After { get; }

    /// <summary>What the worker hosts are told.</summary>
    public SwitchMessage Message { get; }

    /// <summary>Shards that arrive somewhere.</summary>
    public int Moves => _moves.Length;

    /// <summary>Why the change cannot be adopted; null when it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>Number of the order that told the members to adopt it; 0 when it was not told, or not to all.</summary>
    public long Order { get; set; }

    /// <summary>Seconds that its copies took beside the step, on the slowest worker.</summary>
    public double CopySeconds { get; private set; }

    /// <summary>Seconds that the step had to wait for them.</summary>
    public double WaitSeconds { get; private set; }

    /// <summary>Hears the roll-call of what changed: whether every shard has arrived.</summary>
    /// <param name="reports">All workers' reports, in rank order.</param>
    public void Conclude(IReadOnlyList<WorkerReport> reports)
    {
        SwitchReport?[] switches = [.. reports.Select(report => report.Switch)];
        CopySeconds = switches.Max(report => report?.CopySeconds ?? 0);
        WaitSeconds = switches.Max(report => report?.WaitSeconds ?? 0);
        SwitchReport? failed = switches.FirstOrDefault(report => report is { Failure: not null, IsConsequence: false })
            ?? switches.FirstOrDefault(report => report?.Failure is not null);
        Failure = failed?.Failure ?? _moves.Where(move => !HasArrived(switches[move.To], move))
            .Select(move => $"Expert {move.Expert} of layer {move.Layer} did not arrive on rank {move.To}.")
            .FirstOrDefault();
    }

    private bool HasArrived(SwitchReport? report, ShardMove move) =>
        report?.Epoch == After.Version && report.Arrived.Contains(new ExpertId(move.Layer, move.Expert).ToString());

    /// <summary>Copies come from a holder of the same silo where there is one: only the order of the two bandwidths counts here.</summary>
    private static ClusterTopology Links(PlacementMap map) =>
        new([.. map.Workers.Select(worker => new WorkerCapacity(worker.Silo, int.MaxValue))], inHostBandwidth: 2, betweenHostsBandwidth: 1);
}
