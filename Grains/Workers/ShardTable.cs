using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Placement;

namespace MoEActors.Grains.Workers;

/// <summary>The expert shards that live on one device, of one model. State belongs here, not to the grains that speak for it.</summary>
internal sealed class ShardTable(IDevice device, ModelConfiguration model) : IDisposable
{
    private readonly SortedList<ShardId, ParameterBlock> _shards = [];

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
        _shards.Add(shard, block);
        return block;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (ParameterBlock block in _shards.Values)
        {
            block.Dispose();
        }

        _shards.Clear();
    }
}
