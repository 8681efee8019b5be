using System.Collections.Concurrent;

namespace MoEActors.Workers.Host;

/// <summary>
/// What a silo knows of where shards are: the newest placement map of each model, pushed here before a view opens. It answers from memory and calls
/// nobody.
/// </summary>
public sealed class PlacementMapCache
{
    private readonly ConcurrentDictionary<string, PlacementMap> _maps = [];

    /// <summary>Takes over a map unless a newer one is here.</summary>
    public void Install(string model, PlacementMap map) =>
        _maps.AddOrUpdate(model, map, (_, known) => map.Version >= known.Version ? map : known);

    /// <summary>Forgets a model that is deleted: its grains belong nowhere.</summary>
    public void Forget(string model) => _maps.TryRemove(model, out _);

    /// <summary>The map of a model; null before one has arrived.</summary>
    public PlacementMap? MapOf(string model) => _maps.GetValueOrDefault(model);
}
