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
        long epoch, PlacementMap map, int rank, ModelConfiguration configuration, IDevice device, Arena arena, ParameterBlock dense,
        ShardTable shards, ICommunicator communicator, IReadOnlyList<bool>? recomputed = null)
    {
        Epoch = epoch;
        Map = map;
        Rank = rank;
        Communicator = communicator;
        Model = new DecoderModel(configuration, device, arena, dense, layer =>
        {
            var exchange = new DistributedExpertExchange(device, communicator, map.RanksOf(layer));
            _exchanges.Add(exchange);
            return new ResidentExperts([.. map.ExpertsOn(rank, layer).Select(expert => shards[new ShardId(layer, expert)])], exchange);
        }, recomputed);
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

    /// <inheritdoc />
    public void Dispose()
    {
        Communicator.Dispose();
        Model.Dispose();
        _exchanges.ForEach(exchange => exchange.Dispose());
    }
}
