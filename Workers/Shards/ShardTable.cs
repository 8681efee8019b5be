namespace MoEActors.Workers.Shards;

/// <summary>
/// The expert shards that live on one device, of one model. State belongs here, not to the shards' grains. A device holds an expert
/// once at most; which of its replicas that is, the placement map says, so that a change of their number touches no memory here.
/// </summary>
internal sealed class ShardTable(ShardMemory memory, ModelConfiguration model) : IDisposable
{
    /// <summary>Replaced as a whole by the executor: grains of the silo read it at any time.</summary>
    private volatile SortedList<ExpertId, ParameterBlock> _shards = [];

    /// <summary>Copies that have arrived and belong to no view yet.</summary>
    private readonly Dictionary<ExpertId, ParameterBlock> _arrived = [];

    private long _bytes;

    /// <summary>Bytes of all shards that have not been freed: those of the table, those that have arrived, and those that have been taken out.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether copies are here that no view has taken over yet. Not while copies arrive.</summary>
    public bool HasArrivals => _arrived.Count > 0;

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
        ParameterBlock block = Add(expert);
        block.Initialise(model.Seed);
        return block;
    }

    /// <summary>Makes room in the table for a shard whose values are loaded next.</summary>
    public ParameterBlock Add(ExpertId expert)
    {
        ParameterBlock block = Allocate(expert, clear: true);
        _shards = new SortedList<ExpertId, ParameterBlock>(_shards) { { expert, block } };
        return block;
    }

    /// <summary>Makes room for a copy of a shard beside the table; what is there is undefined.</summary>
    public ParameterBlock Receive(ExpertId expert)
    {
        if (_arrived.Remove(expert, out ParameterBlock? older))
        {
            Free(older);
        }

        ParameterBlock block = Allocate(expert, clear: false);
        _arrived.Add(expert, block);
        return block;
    }

    /// <summary>Takes an arrived copy into the table.</summary>
    /// <exception cref="KeyNotFoundException">None has arrived.</exception>
    public void Adopt(ExpertId expert)
    {
        if (!_arrived.Remove(expert, out ParameterBlock? block))
        {
            throw new KeyNotFoundException($"No copy of expert {expert} has arrived on this device.");
        }

        block.RoundValues();
        _shards = new SortedList<ExpertId, ParameterBlock>(_shards) { { expert, block } };
    }

    /// <summary>Frees arrived copies that no view wants.</summary>
    public void DropArrived()
    {
        foreach (ParameterBlock block in _arrived.Values)
        {
            Free(block);
        }

        _arrived.Clear();
    }

    /// <summary>Takes shards out of the table, to be given to <see cref="Free"/> by the caller.</summary>
    public IReadOnlyList<ParameterBlock> Detach(Predicate<ExpertId> leaves)
    {
        SortedList<ExpertId, ParameterBlock> kept = [];
        List<ParameterBlock> gone = [];
        foreach ((ExpertId expert, ParameterBlock block) in _shards)
        {
            if (leaves(expert))
            {
                gone.Add(block);
            }
            else
            {
                kept.Add(expert, block);
            }
        }

        if (gone.Count > 0)
        {
            _shards = kept;
        }

        return gone;
    }

    /// <summary>Frees all shards but those that belong here.</summary>
    public void Keep(Predicate<ExpertId> belongs)
    {
        foreach (ParameterBlock block in Detach(expert => !belongs(expert)))
        {
            Free(block);
        }
    }

    /// <summary>Frees a shard that is not in the table any more. From any thread.</summary>
    public void Free(ParameterBlock block)
    {
        memory.Free(block);
        Interlocked.Add(ref _bytes, -block.Bytes);
    }

    public void Dispose()
    {
        DropArrived();
        Keep(_ => false);
    }

    private ParameterBlock Allocate(ExpertId expert, bool clear)
    {
        ParameterBlock block = memory.Allocate(ModelLayout.ExpertPrefix(expert.Layer, expert.Expert), ModelLayout.Expert(model), clear);
        Interlocked.Add(ref _bytes, block.Bytes);
        return block;
    }
}
