namespace MoEActors.Placement.Plans;

/// <summary>What the director remembers between plans.</summary>
public sealed class DirectorMemory
{
    /// <summary>Weight of the newest plan in the mean of moves per plan.</summary>
    private const double Recent = 0.05;

    private readonly Dictionary<(int Layer, int Expert), long> _movedAt = [];
    private readonly Dictionary<int, int> _calm = [];
    private readonly Dictionary<int, double> _movesPerPlan = [];

    /// <summary>Whether a layer is being planned for.</summary>
    public bool IsAwake(int layer) => _calm.ContainsKey(layer);

    /// <summary>The experts of a layer that have moved after a step.</summary>
    public IEnumerable<int> MovedAfter(int layer, long step) =>
        _movedAt.Where(moved => moved.Key.Layer == layer && moved.Value > step).Select(moved => moved.Key.Expert);

    /// <summary>Shards of a layer that recent plans have moved, a fading mean over some twenty of them.</summary>
    public double MovesPerPlan(int layer) => _movesPerPlan.GetValueOrDefault(layer);

    /// <summary>Notes that a layer's load is skewed and that it is planned for from now on.</summary>
    public void Wake(int layer) => _calm[layer] = 0;

    /// <summary>Notes that the load of a layer that is awake was even once more; after so many times in a row it rests.</summary>
    public void Calm(int layer, int enough)
    {
        if (++_calm[layer] >= enough)
        {
            _calm.Remove(layer);
        }
    }

    /// <summary>Notes what the plan of a step does to a layer, be it nothing.</summary>
    public void Remember(long step, int layer, IReadOnlyCollection<ShardMove> moves)
    {
        _movesPerPlan[layer] = MovesPerPlan(layer) + (Recent * (moves.Count - MovesPerPlan(layer)));
        foreach (ShardMove move in moves)
        {
            _movedAt[(move.Layer, move.Expert)] = step;
        }
    }
}
