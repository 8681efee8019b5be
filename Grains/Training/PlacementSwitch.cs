using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Placement;
using MoEActors.Placement.Plans;
using MoEActors.Placement.Topology;

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
        ClusterTopology topology = Alike(before);
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

    /// <summary>The roll-call of what changed: why the change cannot be adopted; null when everything is where it will be.</summary>
    /// <param name="reports">All workers' reports, in rank order.</param>
    public string? FailureIn(IReadOnlyList<WorkerReport> reports)
    {
        SwitchReport[] failed = [.. reports.Where(report => report.Switch?.Failure is not null).Select(report => report.Switch!)];
        if (failed.Length > 0)
        {
            return (failed.FirstOrDefault(report => !report.IsConsequence) ?? failed[0]).Failure;
        }

        foreach (ShardMove move in _moves)
        {
            if (reports[move.To].Switch is not { } report || report.Epoch != After.Version
                || !report.Arrived.Contains(new ShardId(move.Layer, move.Expert).ToString()))
            {
                return $"Expert {move.Expert} of layer {move.Layer} did not arrive on rank {move.To}.";
            }
        }

        return null;
    }

    /// <summary>Where all links are alike: copies come from the holder that sends least.</summary>
    private static ClusterTopology Alike(PlacementMap map) =>
        new([.. map.Workers.Select(worker => new WorkerCapacity(worker.Silo, int.MaxValue))], 1, 1);
}
