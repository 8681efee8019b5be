using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Placement;

namespace MoEActors.Grains.Workers;

/// <summary>
/// The expert shards that live on one device, of one model. State belongs here, not to the grains that speak for it. A device holds an expert
/// once at most; which of its replicas that is, the placement map says, so that a change of their number touches no memory here.
/// </summary>
internal sealed class ShardTable(IDevice device, ModelConfiguration model) : IDisposable
{
    /// <summary>Replaced as a whole by the executor: grains of the silo read it at any time.</summary>
    private volatile SortedList<ExpertId, ParameterBlock> _shards = [];

    /// <summary>Copies that have arrived and belong to no epoch yet.</summary>
    private readonly Dictionary<ExpertId, ParameterBlock> _arrived = [];

    /// <summary>The experts that have a shard here, in canonical order.</summary>
    public IReadOnlyCollection<ExpertId> Experts => _shards.Keys.AsReadOnly();

    /// <summary>The number of shards.</summary>
    public int Count => _shards.Count;

    /// <summary>The shard at a place in canonical order.</summary>
    public (ExpertId Expert, ParameterBlock Block) At(int index) => (_shards.GetKeyAtIndex(index), _shards.GetValueAtIndex(index));

    /// <summary>Whether a shard is here.</summary>
    public bool Contains(ExpertId expert) => _shards.ContainsKey(expert);

    /// <summary>Parameters of a shard.</summary>
    /// <exception cref="KeyNotFoundException">The shard is not here.</exception>
    public ParameterBlock this[ExpertId expert] =>
        _shards.TryGetValue(expert, out ParameterBlock? block)
            ? block
            : throw new KeyNotFoundException($"Expert {expert} is not in this device's table.");

    /// <summary>Brings a shard into being with its initial values.</summary>
    public ParameterBlock Create(ExpertId expert)
    {
        var block = new ParameterBlock(device, ModelLayout.ExpertPrefix(expert.Layer, expert.Expert), ModelLayout.Expert(model));
        block.Initialise(model.Seed);
        _shards = new SortedList<ExpertId, ParameterBlock>(_shards) { { expert, block } };
        return block;
    }

    /// <summary>Makes room for a copy of a shard beside the table.</summary>
    public ParameterBlock Receive(ExpertId expert)
    {
        if (_arrived.Remove(expert, out ParameterBlock? older))
        {
            older.Dispose();
        }

        var block = new ParameterBlock(device, ModelLayout.ExpertPrefix(expert.Layer, expert.Expert), ModelLayout.Expert(model));
        _arrived.Add(expert, block);
        return block;
    }

    /// <summary>Takes an arrived copy into the table; false when none has arrived.</summary>
    public bool Adopt(ExpertId expert)
    {
        if (!_arrived.Remove(expert, out ParameterBlock? block))
        {
            return false;
        }

        _shards = new SortedList<ExpertId, ParameterBlock>(_shards) { { expert, block } };
        return true;
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

    /// <summary>Frees all shards but those that belong here.</summary>
    public void Keep(Predicate<ExpertId> belongs)
    {
        SortedList<ExpertId, ParameterBlock> kept = [];
        SortedList<ExpertId, ParameterBlock> all = _shards;
        foreach ((ExpertId expert, ParameterBlock block) in all.Where(entry => belongs(entry.Key)))
        {
            kept.Add(expert, block);
        }

        _shards = kept;
        foreach ((_, ParameterBlock block) in all.Where(entry => !kept.ContainsKey(entry.Key)))
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
