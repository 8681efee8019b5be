using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Placement;

namespace MoEActors.Grains.Workers;

/// <summary>The expert shards that live on one device, of one model. State belongs here, not to the grains that speak for it.</summary>
internal sealed class ShardTable(IDevice device, ModelConfiguration model) : IDisposable
{
    /// <summary>Replaced as a whole by the executor: grains of the silo read it at any time.</summary>
    private volatile SortedList<ShardId, ParameterBlock> _shards = [];

    /// <summary>Copies that have arrived and belong to no epoch yet.</summary>
    private readonly Dictionary<ShardId, ParameterBlock> _arrived = [];

    /// <summary>The shards in canonical order.</summary>
    public IReadOnlyCollection<ShardId> Shards => _shards.Keys.AsReadOnly();

    /// <summary>The number of shards.</summary>
    public int Count => _shards.Count;

    /// <summary>The shard at a place in canonical order.</summary>
    public (ShardId Shard, ParameterBlock Block) At(int index) => (_shards.GetKeyAtIndex(index), _shards.GetValueAtIndex(index));

    /// <summary>Whether a shard is here.</summary>
    public bool Contains(ShardId shard) => _shards.ContainsKey(shard);

    /// <summary>Parameters of a shard.</summary>
    /// <exception cref="KeyNotFoundException">The shard is not here.</exception>
    public ParameterBlock this[ShardId shard] =>
        _shards.TryGetValue(shard, out ParameterBlock? block)
            ? block
            : throw new KeyNotFoundException($"Shard {shard} is not in this device's table.");

    /// <summary>Brings a shard into being with its initial values.</summary>
    public ParameterBlock Create(ShardId shard)
    {
        var block = new ParameterBlock(device, ModelLayout.ExpertPrefix(shard.Layer, shard.Expert), ModelLayout.Expert(model));
        block.Initialise(model.Seed);
        _shards = new SortedList<ShardId, ParameterBlock>(_shards) { { shard, block } };
        return block;
    }

    /// <summary>Makes room for a copy of a shard beside the table.</summary>
    public ParameterBlock Receive(ShardId shard)
    {
        if (_arrived.Remove(shard, out ParameterBlock? older))
        {
            older.Dispose();
        }

        var block = new ParameterBlock(device, ModelLayout.ExpertPrefix(shard.Layer, shard.Expert), ModelLayout.Expert(model));
        _arrived.Add(shard, block);
        return block;
    }

    /// <summary>Takes an arrived copy into the table.</summary>
    /// <exception cref="KeyNotFoundException">None has arrived.</exception>
    public void Adopt(ShardId shard)
    {
        if (!_arrived.Remove(shard, out ParameterBlock? block))
        {
            throw new KeyNotFoundException($"No copy of shard {shard} has arrived on this device.");
        }

        _shards = new SortedList<ShardId, ParameterBlock>(_shards) { { shard, block } };
    }

    /// <summary>Frees arrived copies that no epoch wants.</summary>
    public void DropArrived()
    {
        foreach (ParameterBlock block in _arrived.Values)
        {
            block.Dispose();
        }

        _arrived.Clear();
    }

    /// <summary>Takes shards out of the table, to be freed by the caller.</summary>
    public IReadOnlyList<ParameterBlock> Detach(Predicate<ShardId> leaves)
    {
        SortedList<ShardId, ParameterBlock> kept = [];
        List<ParameterBlock> gone = [];
        foreach ((ShardId shard, ParameterBlock block) in _shards)
        {
            if (leaves(shard))
            {
                gone.Add(block);
            }
            else
            {
                kept.Add(shard, block);
            }
        }

        if (gone.Count > 0)
        {
            _shards = kept;
        }

        return gone;
    }

    /// <summary>Frees all shards but those that belong here.</summary>
    public void Keep(Predicate<ShardId> belongs)
    {
        foreach (ParameterBlock block in Detach(shard => !belongs(shard)))
        {
            block.Dispose();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        DropArrived();
        Keep(_ => false);
    }
}
