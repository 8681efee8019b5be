using MoEActors.Grains.Exchange;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;
using MoEActors.Placement;

namespace MoEActors.Grains.Workers;

/// <summary>One worker's place in an epoch: its rank, the communicator, and the model wired through them.</summary>
internal sealed class EpochView : IDisposable
{
    private readonly List<DistributedExpertExchange> _exchanges = [];

    public EpochView(
        long epoch, PlacementMap map, int rank, RunConfiguration run, IDevice device, Arena arena, ParameterBlock dense,
        ShardTable shards, ICommunicator communicator)
    {
        Epoch = epoch;
        Map = map;
        Rank = rank;
        Communicator = communicator;
        int rounds = (run.MicroBatches + communicator.Size - 1) / communicator.Size;
        Model = run.Model.Trunk == Trunk.None
            ? new LayerModel(run.Model, device, dense, rounds, () => Resident(layer: 0))
            : new DecoderModel(run.Model, device, arena, dense, Resident);

        ResidentExperts Resident(int layer)
        {
            var exchange = new DistributedExpertExchange(device, communicator, map.RanksOf(layer));
            _exchanges.Add(exchange);
            return new ResidentExperts([.. map.ExpertsOn(rank, layer).Select(expert => shards[new ShardId(layer, expert)])], exchange);
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

    /// <summary>The model, of whatever trunk.</summary>
    public IRoutedModel Model { get; }

    /// <summary>The model of a run that has a decoder for a trunk.</summary>
    public DecoderModel Decoder => (DecoderModel)Model;

    /// <inheritdoc />
    public void Dispose()
    {
        Communicator.Dispose();
        Model.Dispose();
        _exchanges.ForEach(exchange => exchange.Dispose());
    }
}
