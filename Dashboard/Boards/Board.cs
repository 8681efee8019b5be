using MoEActors.Grains.Interfaces.Telemetry;

namespace MoEActors.Dashboard.Boards;

/// <summary>
/// What there is to see of a cluster now, in parts that are JSON already. Every change gets the next version, so that a viewer is no more than the version
/// that it has seen: what it lacks is what is newer, however much it has missed. One writer a part, any number of readers.
/// </summary>
internal sealed class Board
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, ModelBoard> _models = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = NewSignal();

    public Board()
    {
        (Cluster, Models) = (new Part(this), new Part(this));
        Cluster.Put(new ClusterPicture([], Problem: null));
        Models.Put(Array.Empty<object>());
    }

    /// <summary>Tells this board from that of another process, or of an earlier one.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("n");

    /// <summary>The silos.</summary>
    public Part Cluster { get; }

    /// <summary>The models that there are.</summary>
    public Part Models { get; }

    /// <summary>Version of the last change.</summary>
    public long Version { get; private set; }

    /// <summary>Ends with the next change.</summary>
    public Task Changed
    {
        get
        {
            lock (_lock)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>A model's part of the board; null when there is no such model.</summary>
    public ModelBoard? Find(string model)
    {
        lock (_lock)
        {
            return _models.GetValueOrDefault(model);
        }
    }

    /// <summary>The model of a name, if there is one; all models where none is named.</summary>
    public ModelBoard[] Of(string? model) => Read(() => model is null ? [.. _models.Values] : _models.TryGetValue(model, out ModelBoard? found) ? [found] : Array.Empty<ModelBoard>());

    /// <summary>Adds a model, in the place of an earlier one of its name.</summary>
    public ModelBoard Add(string model) => Change(version => _models[model] = new ModelBoard(this, version));

    /// <summary>There is no such model any more.</summary>
    public void Remove(string model) => Change(_ => _models.Remove(model));

    /// <summary>Reads while nothing changes.</summary>
    public T Read<T>(Func<T> read)
    {
        lock (_lock)
        {
            return read();
        }
    }

    /// <summary>Changes something.</summary>
    internal T Change<T>(Func<long, T> change)
    {
        TaskCompletionSource signal;
        T result;
        lock (_lock)
        {
            result = change(++Version);
            (signal, _changed) = (_changed, NewSignal());
        }

        signal.SetResult();
        return result;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>What there is to see of one model.</summary>
internal sealed class ModelBoard(Board board, long born)
{
    private readonly Dictionary<int, LayerBoard> _layers = [];
    private long _notes;

    /// <summary>Version of the board at which it came: whoever has seen less has seen another model of the name, or none.</summary>
    public long Born { get; } = born;

    /// <summary>How it stands.</summary>
    public Part Status { get; } = new(board);

    /// <summary>What seldom changes: configuration and gates.</summary>
    public Part Run { get; } = new(board);

    /// <summary>Its workers.</summary>
    public Part Workers { get; } = new(board);

    /// <summary>Its layers in short.</summary>
    public Part Layers { get; } = new(board);

    /// <summary>The director's decisions, by number.</summary>
    public ItemList Decisions { get; } = new(board, 64);

    /// <summary>What else has happened, by number.</summary>
    public ItemList Notes { get; } = new(board, 256);

    /// <summary>Committed steps.</summary>
    public long Step { get; set; }

    /// <summary>Figures over time.</summary>
    public Series Series { get; } = new(board);

    /// <summary>Something has happened. Coordinators come and go, and each counts from 1; here all is counted on.</summary>
    public void Note(DateTimeOffset time, long step, FeedNoteKind kind, string text)
    {
        long number = Interlocked.Increment(ref _notes);
        Notes.Put(number, new NotePicture(number, time, step, kind, text));
    }

    /// <summary>A layer; null when there is no such layer.</summary>
    public LayerBoard? Find(int layer) => board.Read(() => _layers.GetValueOrDefault(layer));

    /// <summary>A layer, which is made if need be.</summary>
    public LayerBoard Layer(int layer) => Find(layer) ?? board.Change(_ => _layers[layer] = new LayerBoard(new Part(board), new Part(board)));
}

/// <summary>What there is to see of one layer.</summary>
/// <param name="Placement">Which workers have which experts.</param>
/// <param name="Load">The tokens of the load window.</param>
internal sealed record LayerBoard(Part Placement, Part Load);

/// <summary>A part of a board: a value, as JSON.</summary>
internal sealed class Part(Board board)
{
    /// <summary>Version of its last change; 0 while it is empty.</summary>
    public long Version { get; private set; }

    /// <summary>The value; null while it is empty.</summary>
    public byte[]? Json { get; private set; }

    /// <summary>Puts a value there; one that is as before is no change.</summary>
    public void Put<T>(T value)
    {
        if (BoardJson.Changed(value, Json) is { } json)
        {
            board.Change(version => (Version, Json) = (version, json));
        }
    }
}

/// <summary>Things that happen one after another and may change later, by number; the last are kept.</summary>
internal sealed class ItemList(Board board, int most)
{
    private readonly SortedDictionary<long, (long Version, byte[] Json)> _items = [];

    /// <summary>Puts an item there; one that is as before is no change.</summary>
    public void Put<T>(long number, T item)
    {
        if (BoardJson.Changed(item, _items.GetValueOrDefault(number).Json) is { } json)
        {
            board.Change(version =>
            {
                _items[number] = (version, json);
                if (_items.Count > most)
                {
                    _items.Remove(_items.Keys.First());
                }

                return version;
            });
        }
    }

    /// <summary>The items that have changed after a version, in the order of their numbers. To be called by <see cref="Board.Read{T}"/>.</summary>
    public byte[][] Since(long version) => [.. _items.Values.Where(item => item.Version > version).Select(item => item.Json)];
}
