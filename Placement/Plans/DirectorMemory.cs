namespace MoEActors.Placement.Plans;

/// <summary>What the director remembers between plans.</summary>
public sealed class DirectorMemory
{
    private readonly Dictionary<(int Layer, int Expert), long> _movedAt = [];
    private readonly HashSet<int> _awake = [];

    /// <summary>Whether a layer is being planned for.</summary>
    public bool IsAwake(int layer) => _awake.Contains(layer);

    /// <summary>The experts of a layer that have moved after a step.</summary>
    public IEnumerable<int> MovedAfter(int layer, long step) =>
        _movedAt.Where(moved => moved.Key.Layer == layer && moved.Value > step).Select(moved => moved.Key.Expert);

    /// <summary>Notes that a layer is planned for, or rests.</summary>
    public void Wake(int layer, bool awake)
    {
        if (awake)
        {
            _awake.Add(layer);
        }
        else
        {
            _awake.Remove(layer);
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
