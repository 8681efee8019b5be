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
    private readonly List<IReplicaGradients> _replicas = [];
    private readonly Arena _arena;

    public EpochView(
        long epoch, PlacementMap map, int rank, RunConfiguration run, IDevice device, Arena arena, ParameterBlock dense,
        ShardTable shards, ICommunicator communicator)
    {
        _arena = arena;
        Epoch = epoch;
        Map = map;
        Rank = rank;
        Communicator = communicator;
        Model = new DecoderModel(run.Model, device, arena, dense, layer =>
        {
            LayerPlacement placement = map.PlacementOf(layer);
            var exchange = new DistributedExpertExchange(device, communicator, placement, run.Reproducible);
            _exchanges.Add(exchange);
            ParameterBlock[] blocks = [.. map.ExpertsOn(rank, layer).Select(expert => shards[new ExpertId(layer, expert)])];
            if (placement.IsSingle)
            {
                return new ResidentExperts(blocks, exchange);
            }

            ReplicaGroup[] groups = ReplicaGroup.Of(placement, rank, blocks);
            if (!run.Reproducible)
            {
                _replicas.Add(new SummedGradients(device, communicator, arena, groups));
                return new ResidentExperts(blocks, exchange);
            }

            var parts = new HomeGradients(device, communicator, arena, exchange, groups, blocks.Length);
            _replicas.Add(parts);
            return new ResidentExperts(blocks, exchange, parts);
        });
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

    /// <summary>Ends a round of training: parts of gradients that replicas computed for each other's sake go where they are added.</summary>
    public void EndRound()
    {
        foreach (IReplicaGradients replicas in _replicas)
        {
            replicas.EndRound();
        }
    }

    /// <summary>Ends the rounds of a step: all replicas of an expert have the same gradient afterwards.</summary>
    public void EndStep()
    {
        foreach (IReplicaGradients replicas in _replicas)
        {
            // Nothing of the last round is needed any more.
            _arena.Reset();
            replicas.EndStep();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Communicator.Dispose();
        Model.Dispose();
        _exchanges.ForEach(exchange => exchange.Dispose());
    }
}
