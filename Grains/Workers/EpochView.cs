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
    private readonly DistributedExpertExchange?[] _exchanges;
    private readonly IDevice _device;
    private readonly ShardTable _shards;

    public EpochView(
        long epoch, PlacementMap map, int rank, ModelConfiguration configuration, IDevice device, Arena arena, ParameterBlock dense,
        ShardTable shards, ICommunicator communicator)
    {
        _exchanges = new DistributedExpertExchange?[map.Layers];
        _device = device;
        _shards = shards;
        Epoch = epoch;
        Map = map;
        Rank = rank;
        Communicator = communicator;
        Model = new DecoderModel(configuration, device, arena, dense, Residents);
    }

    private EpochView(EpochView before, long epoch, PlacementMap map)
    {
        _exchanges = before._exchanges;
        _device = before._device;
        _shards = before._shards;
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

    /// <inheritdoc />
    public void Dispose()
    {
        Communicator.Dispose();
        Model.Dispose();
        Array.ForEach(_exchanges, exchange => exchange?.Dispose());
    }

    private ResidentExperts Residents(int layer)
    {
        var exchange = new DistributedExpertExchange(_device, Communicator, Map.RanksOf(layer));
        _exchanges[layer] = exchange;
        return new ResidentExperts([.. Map.ExpertsOn(Rank, layer).Select(expert => _shards[new ShardId(layer, expert)])], exchange);
    }
}
