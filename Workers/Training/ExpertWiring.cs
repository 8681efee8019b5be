using MoEActors.Modules.Experts;
using MoEActors.Workers.Exchange;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Training;

/// <summary>
/// How one worker's layers reach experts: a wire is an exchange and, where experts have replicas, what brings their gradients together. A decoder has
/// one wire a layer, a layer alone one a pass, since its passes wait at the same time.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="reproducible">Whether replicas take whole micro-batches.</param>
/// <param name="view">The view that opens it; later ones have the same members.</param>
/// <param name="wires">Number of wires.</param>
/// <param name="shards">The expert shards.</param>
/// <param name="arena">Memory of a layer's pass, and of a round where layers are kept.</param>
/// <param name="parts">Memory of a round that a layer which is computed again does not take back.</param>
/// <param name="clock">Times the phases.</param>
internal sealed class ExpertWiring(
    IDevice device, bool reproducible, WorkerView view, int wires, ShardTable shards, Arena arena, Arena parts, PhaseClock clock)
    : IDisposable
{
    private readonly DistributedExpertExchange?[] _exchanges = new DistributedExpertExchange?[wires];
    private readonly ReplicaGradients?[] _replicas = new ReplicaGradients?[wires];

    /// <summary>The experts of a layer on this worker, and an exchange that replaces the one there was on this wire.</summary>
    public LocalExperts Connect(PlacementMap map, int layer, int wire)
    {
        LayerPlacement placement = map.PlacementOf(layer);
        var exchange = new DistributedExpertExchange(device, view.Communicator, placement, reproducible);
        _exchanges[wire]?.Dispose();
        _exchanges[wire] = exchange;
        ParameterBlock[] blocks = [.. map.ExpertsOn(view.Rank, layer).Select(expert => shards[new ExpertId(layer, expert)])];
        ReplicaGroup[] groups = placement.IsSingle ? [] : ReplicaGroup.Of(placement, view.Rank, blocks);
        ReplicaGradients? replicas = placement.IsSingle ? null
            : reproducible ? new HomeGradients(device, view.Communicator, arena, parts, exchange, groups, blocks.Length)
            : new SummedGradients(device, view.Communicator, arena, groups);
        _replicas[wire] = replicas;
        return new LocalExperts(blocks, exchange, replicas as IGradientParts);
    }

    /// <summary>Ends a round of training: parts of gradients that replicas computed for each other go where they are added.</summary>
    public void EndRound()
    {
        PhaseMark before = clock.Mark;
        for (int layer = 0; layer < _replicas.Length; layer++)
        {
            if (_replicas[layer] is { } replicas)
            {
                clock.Enter(new PhaseMark(Phase.Exchange, layer));
                replicas.EndRound();
            }
        }

        clock.Enter(before);
        parts.Reset();
    }

    /// <summary>Makes room for the backward of a wire whose pass has memory of its own.</summary>
    public void BeginWire()
    {
        arena.Reset();
        parts.Reset();
    }

    /// <summary>Ends the backward of one wire.</summary>
    public void EndWire(int wire) => _replicas[wire]?.EndRound();

    /// <summary>Ends the rounds of a step: all replicas of an expert have the same gradient afterwards.</summary>
    /// <param name="layers">Layers of the model; the wires of a layer alone have added to the same gradients.</param>
    public void EndStep(int layers)
    {
        PhaseMark before = clock.Mark;
        for (int layer = 0; layer < layers; layer++)
        {
            // Nothing of the last round is needed any more.
            arena.Reset();
            if (_replicas[layer] is { } replicas)
            {
                clock.Enter(new PhaseMark(Phase.Exchange, layer));
                replicas.EndStep();
            }
        }

        clock.Enter(before);
    }

    /// <summary>Bytes of rows that went to other workers since the last call; those of wires that were replaced meanwhile are lost.</summary>
    public long TakeSentBytes()
    {
        long bytes = 0;
        foreach (DistributedExpertExchange? exchange in _exchanges)
        {
            bytes += exchange?.TakeSentBytes() ?? 0;
        }

        return bytes;
    }

    public void Dispose() => Array.ForEach(_exchanges, exchange => exchange?.Dispose());
}
