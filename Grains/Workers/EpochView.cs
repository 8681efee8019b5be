using MoEActors.Grains.Exchange;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;
using MoEActors.Placement;

namespace MoEActors.Grains.Workers;

/// <summary>One worker's place in an epoch: its rank, the communicator, and the model wired through them.</summary>
internal sealed class EpochView : IDisposable
{
    private readonly DistributedExpertExchange?[] _exchanges;
    private readonly IReplicaGradients?[] _replicas;
    private readonly RunConfiguration _run;
    private readonly IDevice _device;
    private readonly Arena _arena;
    private readonly ShardTable _shards;
    private readonly PhaseClock _clock;

    public EpochView(
        long epoch, PlacementMap map, int rank, RunConfiguration run, IDevice device, Arena arena, ParameterBlock dense,
        ShardTable shards, ICommunicator communicator, PhaseClock clock)
    {
        _exchanges = new DistributedExpertExchange?[map.Layers];
        _replicas = new IReplicaGradients?[map.Layers];
        _run = run;
        _device = device;
        _arena = arena;
        _shards = shards;
        _clock = clock;
        Epoch = epoch;
        Map = map;
        Rank = rank;
        Communicator = communicator;
        Model = new DecoderModel(run.Model, device, arena, dense, Residents, clock);
    }

    private EpochView(EpochView before, long epoch, PlacementMap map)
    {
        _exchanges = before._exchanges;
        _replicas = before._replicas;
        _run = before._run;
        _device = before._device;
        _arena = before._arena;
        _shards = before._shards;
        _clock = before._clock;
        Epoch = epoch;
        Map = map;
        Rank = before.Rank;
        Communicator = before.Communicator;
        Model = before.Model;
        for (int layer = 0; layer < map.Layers; layer++)
        {
            if (!map.PlacementOf(layer).Equals(before.Map.PlacementOf(layer)))
            {
                _exchanges[layer]!.Dispose();
                Model.Rewire(layer, Residents(layer));
            }
        }
    }

    /// <summary>The epoch's number.</summary>
    public long Epoch { get; }

    /// <summary>Members and who holds what.</summary>
    public PlacementMap Map { get; }

    /// <summary>This worker's rank.</summary>
    public int Rank { get; }

    /// <summary>The data plane.</summary>
    public ICommunicator Communicator { get; }

    /// <summary>The model.</summary>
    public DecoderModel Model { get; }

    /// <summary>
    /// The same members with another placement: only layers whose experts are elsewhere now are wired anew. This view is void afterwards, and
    /// the next one owns what it owned.
    /// </summary>
    public EpochView Next(long epoch, PlacementMap map) => new(this, epoch, map);

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
    }

    /// <summary>Ends the rounds of a step: all replicas of an expert have the same gradient afterwards.</summary>
    public void EndStep()
    {
        PhaseMark before = _clock.Mark;
        for (int layer = 0; layer < _replicas.Length; layer++)
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

    /// <inheritdoc />
    public void Dispose()
    {
        Communicator.Dispose();
        Model.Dispose();
        Array.ForEach(_exchanges, exchange => exchange?.Dispose());
    }

    private ResidentExperts Residents(int layer)
    {
        LayerPlacement placement = Map.PlacementOf(layer);
        var exchange = new DistributedExpertExchange(_device, Communicator, placement, _run.Reproducible);
        _exchanges[layer] = exchange;
        _replicas[layer] = null;
        ParameterBlock[] blocks = [.. Map.ExpertsOn(Rank, layer).Select(expert => _shards[new ExpertId(layer, expert)])];
        if (placement.IsSingle)
        {
            return new ResidentExperts(blocks, exchange);
        }

        ReplicaGroup[] groups = ReplicaGroup.Of(placement, Rank, blocks);
        if (!_run.Reproducible)
        {
            _replicas[layer] = new SummedGradients(_device, Communicator, _arena, groups);
            return new ResidentExperts(blocks, exchange);
        }

        var parts = new HomeGradients(_device, Communicator, _arena, exchange, groups, blocks.Length);
        _replicas[layer] = parts;
        return new ResidentExperts(blocks, exchange, parts);
    }
}
