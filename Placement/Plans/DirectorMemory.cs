namespace MoEActors.Placement.Plans;

/// <summary>What the director remembers between plans.</summary>
public sealed class DirectorMemory
{
    private readonly Dictionary<(int Layer, int Expert), long> _movedAt = [];
    private readonly Dictionary<int, int> _calm = [];

    /// <summary>Whether a layer is being planned for.</summary>
    public bool IsAwake(int layer) => _calm.ContainsKey(layer);

    /// <summary>The experts of a layer that have moved after a step.</summary>
    public IEnumerable<int> MovedAfter(int layer, long step) =>
        _movedAt.Where(moved => moved.Key.Layer == layer && moved.Value > step).Select(moved => moved.Key.Expert);

    /// <summary>Notes that a layer is out of balance and planned for from now on.</summary>
    public void Wake(int layer) => _calm[layer] = 0;

    /// <summary>Notes that a layer that is awake was level once more; after so many times in a row it rests.</summary>
    public void Calm(int layer, int enough)
    {
        if (++_calm[layer] >= enough)
        {
            _calm.Remove(layer);
        }
    }

    /// <summary>Notes that shards move.</summary>
    public void Remember(long step, IEnumerable<ShardMove> moves)
    {
        foreach (ShardMove move in moves)
        {
            _movedAt[(move.Layer, move.Expert)] = step;
        }
    }
}
