using MoEActors.Grains.Exchange;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Workers;

/// <summary>One worker's place in an epoch: its rank, the communicator, and the model wired through them.</summary>
internal sealed class EpochView : IDisposable
{
    /// <summary>How experts are reached: by layer of a decoder; by pass of a layer alone, whose passes wait at the same time.</summary>
    private readonly DistributedExpertExchange?[] _exchanges;

    private readonly IReplicaGradients?[] _replicas;
    private readonly RunConfiguration _run;
    private readonly IDevice _device;
    private readonly Arena _arena;
    private readonly Arena _parts;
    private readonly WorkerParameters _parameters;
    private readonly PhaseClock _clock;

    /// <param name="epoch">The epoch's number.</param>
    /// <param name="map">Members and who holds what.</param>
    /// <param name="rank">This worker's rank.</param>
    /// <param name="run">The run.</param>
    /// <param name="device">The worker's device.</param>
    /// <param name="arena">Memory of a layer's pass, and of a round where layers are kept.</param>
    /// <param name="parts">Memory of a round that a layer which is computed again does not take back.</param>
    /// <param name="parameters">The dense replica and the expert shards.</param>
    /// <param name="communicator">The data plane.</param>
    /// <param name="clock">Times the phases.</param>
    public EpochView(
        long epoch, PlacementMap map, int rank, RunConfiguration run, IDevice device, Arena arena, Arena parts,
        WorkerParameters parameters, ICommunicator communicator, PhaseClock clock)
    {
        int rounds = (run.MicroBatches + communicator.Size - 1) / communicator.Size;
        int wires = run.Model.Backbone == Backbone.None ? LayerModel.PassesFor(rounds) : map.Layers;
        _exchanges = new DistributedExpertExchange?[wires];
        _replicas = new IReplicaGradients?[wires];
        _run = run;
        _device = device;
        _arena = arena;
        _parts = parts;
        _parameters = parameters;
        _clock = clock;
        Epoch = epoch;
        Map = map;
        Rank = rank;
        Communicator = communicator;
        Model = run.Model.Backbone == Backbone.None
            ? new LayerModel(run.Model, device, parameters.Dense, rounds, pass => Residents(layer: 0, pass), clock)
            : new DecoderModel(
                run.Model, device, arena, parameters.Dense, layer => Residents(layer, layer), clock, LayerSelection.Parse(run.Recompute, run.Model.Layers));
    }

    private EpochView(EpochView before, long epoch, PlacementMap map)
    {
        _exchanges = before._exchanges;
        _replicas = before._replicas;
        _run = before._run;
        _device = before._device;
        _arena = before._arena;
        _parts = before._parts;
        _parameters = before._parameters;
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
                Rewire(layer);
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

    /// <summary>The model, of whatever backbone.</summary>
    public IRoutedModel Model { get; }

    /// <summary>The model of a run that has a decoder for a backbone.</summary>
    public DecoderModel Decoder => (DecoderModel)Model;

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
        _parts.Reset();
    }

    /// <summary>Makes room for a round of a layer alone, whose passes have memory of their own.</summary>
    public void BeginRound()
    {
        _arena.Reset();
        _parts.Reset();
    }

    /// <summary>Ends a round of a layer alone.</summary>
    public void EndRound(int pass) => _replicas[pass]?.EndRound();

    /// <summary>Ends the rounds of a step: all replicas of an expert have the same gradient afterwards.</summary>
    public void EndStep()
    {
        PhaseMark before = _clock.Mark;

        // The passes of a layer alone have added to the same gradients.
        for (int layer = 0; layer < Map.Layers; layer++)
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

    private void Rewire(int layer)
    {
        if (Model is LayerModel alone)
        {
            alone.Rewire(pass => Residents(layer, pass));
        }
        else
        {
            Decoder.Rewire(layer, Residents(layer, layer));
        }
    }

    /// <summary>The experts of a layer on this worker, and an exchange that replaces the one there was on this wire.</summary>
    private LocalExperts Residents(int layer, int wire)
    {
        LayerPlacement placement = Map.PlacementOf(layer);
        var exchange = new DistributedExpertExchange(_device, Communicator, placement, _run.Reproducible);
        _exchanges[wire]?.Dispose();
        _exchanges[wire] = exchange;
        _replicas[wire] = null;
        ParameterBlock[] blocks = [.. Map.ExpertsOn(Rank, layer).Select(expert => _parameters.Shards[new ExpertId(layer, expert)])];
        if (placement.IsSingle)
        {
            return new LocalExperts(blocks, exchange);
        }

        ReplicaGroup[] groups = ReplicaGroup.Of(placement, Rank, blocks);
        if (!_run.Reproducible)
        {
            _replicas[wire] = new SummedGradients(_device, Communicator, _arena, groups);
            return new LocalExperts(blocks, exchange);
        }

        var parts = new HomeGradients(_device, Communicator, _arena, _parts, exchange, groups, blocks.Length);
        _replicas[wire] = parts;
        return new LocalExperts(blocks, exchange, parts);
    }
}
