using MoEActors.Workers.Exchange;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Training;

/// <summary>
/// How one worker's layers reach experts: a wire is an exchange and, where experts have replicas, what brings their gradients together. A decoder has
/// one wire a layer, a layer alone one a pass, since its passes wait at the same time.
/// </summary>
internal sealed class ExpertWiring : IDisposable
{
    private readonly IDevice _device;
    private readonly bool _reproducible;
    private readonly ICommunicator _communicator;
    private readonly int _rank;
    private readonly ShardTable _shards;
    private readonly Arena _arena;
    private readonly Arena _parts;
    private readonly PhaseClock _clock;
    private readonly DistributedExpertExchange?[] _exchanges;
    private readonly IReplicaGradients?[] _replicas;

    /// <param name="device">The worker's device.</param>
    /// <param name="reproducible">Whether replicas take whole micro-batches.</param>
    /// <param name="view">The open view.</param>
    /// <param name="wires">Number of wires.</param>
    /// <param name="shards">The expert shards.</param>
    /// <param name="arena">Memory of a layer's pass, and of a round where layers are kept.</param>
    /// <param name="parts">Memory of a round that a layer which is computed again does not take back.</param>
    /// <param name="clock">Times the phases.</param>
    public ExpertWiring(
        IDevice device, bool reproducible, WorkerView view, int wires, ShardTable shards, Arena arena, Arena parts, PhaseClock clock)
    {
        _device = device;
        _reproducible = reproducible;
        _communicator = view.Communicator;
        _rank = view.Rank;
        _shards = shards;
        _arena = arena;
        _parts = parts;
        _clock = clock;
        _exchanges = new DistributedExpertExchange?[wires];
        _replicas = new IReplicaGradients?[wires];
    }

    /// <summary>The experts of a layer on this worker, and an exchange that replaces the one there was on this wire.</summary>
    public LocalExperts Connect(PlacementMap map, int layer, int wire)
    {
        LayerPlacement placement = map.PlacementOf(layer);
        var exchange = new DistributedExpertExchange(_device, _communicator, placement, _reproducible);
        _exchanges[wire]?.Dispose();
        _exchanges[wire] = exchange;
        _replicas[wire] = null;
        ParameterBlock[] blocks = [.. map.ExpertsOn(_rank, layer).Select(expert => _shards[new ExpertId(layer, expert)])];
        if (placement.IsSingle)
        {
            return new LocalExperts(blocks, exchange);
        }

        ReplicaGroup[] groups = ReplicaGroup.Of(placement, _rank, blocks);
        if (!_reproducible)
        {
            _replicas[wire] = new SummedGradients(_device, _communicator, _arena, groups);
            return new LocalExperts(blocks, exchange);
        }

        var parts = new HomeGradients(_device, _communicator, _arena, _parts, exchange, groups, blocks.Length);
        _replicas[wire] = parts;
        return new LocalExperts(blocks, exchange, parts);
    }

    /// <summary>Ends a round of training: parts of gradients that replicas computed for each other's sake go where they are added.</summary>
    public void EndRound()
    {
        PhaseMark before = _clock.Mark;
        for (int layer = 0; layer < _replicas.Length; layer++)
        {
            if (_replicas[layer] is { } replicas)
            {
                _clock.Enter(new PhaseMark(Phase.Exchange, layer));
                replicas.EndRound();
            }
        }

        _clock.Enter(before);
        _parts.Reset();
    }

    /// <summary>Makes room for the backward of a wire whose pass has memory of its own.</summary>
    public void BeginWire()
    {
        _arena.Reset();
        _parts.Reset();
    }

    /// <summary>Ends the backward of one wire.</summary>
    public void EndWire(int wire) => _replicas[wire]?.EndRound();

    /// <summary>Ends the rounds of a step: all replicas of an expert have the same gradient afterwards.</summary>
    /// <param name="layers">Layers of the model; the wires of a layer alone have added to the same gradients.</param>
    public void EndStep(int layers)
    {
        PhaseMark before = _clock.Mark;
        for (int layer = 0; layer < layers; layer++)
        {
            // Nothing of the last round is needed any more.
            _arena.Reset();
            if (_replicas[layer] is { } replicas)
            {
                _clock.Enter(new PhaseMark(Phase.Exchange, layer));
                replicas.EndStep();
            }
        }

        _clock.Enter(before);
    }

    public void Dispose() => Array.ForEach(_exchanges, exchange => exchange?.Dispose());
}
