using System.Collections.Concurrent;
using System.Globalization;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using Orleans.Serialization;
using Orleans.Storage;

namespace MoEActors.Grains.Durability;

/// <summary>
/// Keeps runs in any Orleans grain storage, by its ETags: the definition, which never changes; the state, small and written with every decision; placements,
/// each under a name of its own that the state refers to; a batch for every step that may have to be learnt again; the director's decisions; and a list of
/// all runs, as a storage cannot be asked for its keys. The state is what decides: whatever else a coordinator wrote that was replaced meanwhile
/// is never referred to.
/// </summary>
/// <param name="storage">The storage; every silo of the cluster must have the same.</param>
/// <param name="serializer">Writes and reads what is stored.</param>
public sealed class GrainStorageRunStore(IGrainStorage storage, Serializer serializer) : IRunStore
{
    private const string Definition = "definition";
    private const string State = "state";
    private const string Decisions = "decisions";
    private static readonly GrainId Catalogue = GrainId.Create("moe.runs", "all");

    /// <summary>By model: the state as it was read or written last. What others have written since is found out by its ETag.</summary>
    private readonly ConcurrentDictionary<string, Known> _known = [];

    /// <inheritdoc />
    public async Task<RunRecord?> ReadAsync(string model) => (await LookAsync(model)).Record;

    /// <inheritdoc />
    public async Task<bool> TryWriteAsync(string model, RunRecord record)
    {
        if (!_known.TryGetValue(model, out Known? known) || known.Version != record.Version - 1)
        {
            // What was read here, not what is remembered now: whoever was faster on this silo has left its own ETag there, with which this write would be taken.
            known = (await LookAsync(model)).Known;
            if (known.Version != record.Version - 1)
            {
                return false;
            }
        }

        if (known.Version == 0)
        {
            // Before anything refers to it. Whoever loses the race for the name has written under another.
            await WriteAsync(model, DefinitionOf(record.Run), StoredDefinition.Of(record));
            await ChangeCatalogueAsync(names => names.Add(model));
        }

        string? mapName = known.MapName;
        if (!ReferenceEquals(record.Map, known.Map))
        {
            mapName = record.Map is null ? null : $"map.{record.Map.Version.ToString(CultureInfo.InvariantCulture)}.{record.Owner.ToString("n")[..8]}";
            if (record.Map is not null)
            {
                await WriteAsync(model, mapName!, record.Map);
            }
        }

        GrainState<StoredBytes> state = Stored(StoredDefinition.StateOf(record, mapName), known.Tag);
        try
        {
            await storage.WriteStateAsync(State, IdOf(model), state);
        }
        catch (InconsistentStateException)
        {
            _known.TryRemove(model, out _);
            return false;
        }

        _known[model] = new Known(record.Version, state.ETag, record.Map, mapName);
        if (known.MapName is { } older && older != mapName)
        {
            await ClearAsync(model, older);
        }

        return true;
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<string>> ListAsync() => [.. (await CatalogueAsync()).Names];

    /// <inheritdoc />
    public async Task<bool> TryDeleteAsync(string model, long version)
    {
        if (await FindAsync(model) is not { } found || found.State.Version != version)
        {
            return false;
        }

        try
        {
            await storage.ClearStateAsync(State, IdOf(model), new GrainState<StoredBytes>(new StoredBytes(), found.Tag) { RecordExists = true });
        }
        catch (InconsistentStateException)
        {
            return false;
        }

        _known.TryRemove(model, out _);
        await ChangeCatalogueAsync(names => names.Remove(model));
        await ClearAsync(model, DefinitionOf(found.State.Run));
        await ClearAsync(model, Decisions);
        if (found.State.MapName is { } map)
        {
            await ClearAsync(model, map);
        }

        // A client has two steps in flight at most.
        await ClearBatchesAsync(model, found.State.LoggedFrom + 1, found.State.Step + 2);
        return true;
    }

    /// <inheritdoc />
    public async Task WriteBatchAsync(string model, StepRequest batch)
    {
        // Nearly always nobody has logged the step before: one call.
        if (await TryWriteAsync(model, BatchOf(batch.Step), Stored(batch, tag: null)))
        {
            return;
        }

        do
        {
            GrainState<StoredBytes> found = await FetchAsync(model, BatchOf(batch.Step));
            found.State = Stored(batch, tag: null).State;
            if (await TryWriteAsync(model, BatchOf(batch.Step), found))
            {
                return;
            }
        }
        while (true);
    }

    /// <inheritdoc />
    public Task<StepRequest?> ReadBatchAsync(string model, long step) => ReadAsync<StepRequest>(model, BatchOf(step));

    /// <inheritdoc />
    public Task TrimBatchesAsync(string model, long from, long through) => ClearBatchesAsync(model, from, through);

    /// <inheritdoc />
    public async Task<IReadOnlyList<DirectorDecision>> ReadDecisionsAsync(string model) => await ReadAsync<DirectorDecision[]>(model, Decisions) ?? [];

    /// <inheritdoc />
    public Task WriteDecisionsAsync(string model, IReadOnlyList<DirectorDecision> decisions) => WriteAsync<DirectorDecision[]>(model, Decisions, [.. decisions]);

    private static GrainId IdOf(string model) => GrainId.Create("moe.run", model);

    private static string DefinitionOf(Guid run) => $"{Definition}.{run.ToString("n")[..8]}";

    private static string BatchOf(long step) => string.Create(CultureInfo.InvariantCulture, $"batch.{step}");

    /// <summary>Reads a run, and with it what a write must know that follows it.</summary>
    private async Task<(RunRecord? Record, Known Known)> LookAsync(string model)
    {
        while (true)
        {
            if (await FindAsync(model) is not { } found)
            {
                _known.TryRemove(model, out _);
                return (null, new Known(0, null, null, null));
            }

            (RunRecord state, string? tag) = found;
            StoredDefinition? definition = await ReadAsync<StoredDefinition>(model, DefinitionOf(state.Run));
            PlacementMap? map = state.MapName is { } name ? await ReadAsync<PlacementMap>(model, name) : null;
            if (definition is not null && (state.MapName is null || map is not null))
            {
                var known = new Known(state.Version, tag, map, state.MapName);
                _known[model] = known;
                return (definition.With(state, map), known);
            }

            // The coordinator has gone on meanwhile, and what that state referred to is gone. Unless it has not: then something is missing.
            if ((await FindAsync(model))?.State is { } again && again.Version == state.Version)
            {
                throw new InvalidDataException(
                    $"The store has the state of model '{model}' and not its {(definition is null ? "definition" : $"placement '{state.MapName}'")}: it has lost a part. Restore the store, or delete the model's keys and restore its last checkpoint.");
            }
        }
    }

    private async Task<(RunRecord State, string? Tag)?> FindAsync(string model)
    {
        GrainState<StoredBytes> found = await FetchAsync(model, State);
        return found.RecordExists ? (serializer.Deserialize<RunRecord>(found.State!.Checked($"the state of model '{model}'"))!.OfNow(), found.ETag) : null;
    }

    private async Task<T?> ReadAsync<T>(string model, string name)
        where T : class
    {
        GrainState<StoredBytes> found = await FetchAsync(model, name);
        return found.RecordExists ? serializer.Deserialize<T>(found.State!.Checked($"{name} of model '{model}'")) : null;
    }

    private Task<GrainState<StoredBytes>> FetchAsync(string model, string name) => FetchAsync(IdOf(model), name);

    private async Task<GrainState<StoredBytes>> FetchAsync(GrainId id, string name)
    {
        var state = new GrainState<StoredBytes>(new StoredBytes());
        await storage.ReadStateAsync(name, id, state);
        state.State ??= new StoredBytes();
        return state;
    }

    /// <summary>Writes whatever is there; the last writer wins.</summary>
    private async Task WriteAsync<T>(string model, string name, T value)
    {
        GrainState<StoredBytes> state;
        do
        {
            state = await FetchAsync(model, name);
            state.State = Stored(value, tag: null).State;
        }
        while (!await TryWriteAsync(model, name, state));
    }

    private async Task<bool> TryWriteAsync(string model, string name, GrainState<StoredBytes> state)
    {
        try
        {
            await storage.WriteStateAsync(name, IdOf(model), state);
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }

    private async Task ClearAsync(string model, string name)
    {
        GrainState<StoredBytes> state = await FetchAsync(model, name);
        if (state.RecordExists)
        {
            try
            {
                await storage.ClearStateAsync(name, IdOf(model), state);
            }
            catch (InconsistentStateException)
            {
                // Somebody has written it meanwhile, and knows of it.
            }
        }
    }

    private Task ClearBatchesAsync(string model, long from, long through) =>
        Task.WhenAll(Enumerable.Range(0, (int)Math.Max(0, through - from + 1)).Select(index => ClearAsync(model, BatchOf(from + index))));

    private async Task<(SortedSet<string> Names, GrainState<StoredBytes> State)> CatalogueAsync()
    {
        GrainState<StoredBytes> state = await FetchAsync(Catalogue, "names");
        return (new SortedSet<string>(state.RecordExists ? serializer.Deserialize<string[]>(state.State!.Checked("the list of models"))! : [], StringComparer.Ordinal), state);
    }

    private async Task ChangeCatalogueAsync(Func<SortedSet<string>, bool> change)
    {
        while (true)
        {
            (SortedSet<string> names, GrainState<StoredBytes> state) = await CatalogueAsync();
            if (!change(names))
            {
                return;
            }

            state.State = Stored<string[]>([.. names], tag: null).State;
            try
            {
                await storage.WriteStateAsync("names", Catalogue, state);
                return;
            }
            catch (InconsistentStateException)
            {
                // Another model was begun or deleted at the same moment.
            }
        }
    }

    private GrainState<StoredBytes> Stored<T>(T value, string? tag) =>
        new(StoredBytes.Of(serializer.SerializeToArray(value)), tag!) { RecordExists = tag is not null };

    /// <param name="Version">The record's version.</param>
    /// <param name="Tag">The state's ETag.</param>
    /// <param name="Map">The placement; the object tells whether another is wanted.</param>
    /// <param name="MapName">Where that is stored.</param>
    private sealed record Known(long Version, string? Tag, PlacementMap? Map, string? MapName);
}
