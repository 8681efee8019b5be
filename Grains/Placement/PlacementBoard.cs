using System.Collections.Concurrent;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Placement;

/// <summary>
/// What a silo knows of where grains belong: the newest placement map of each model, pushed here before an epoch opens. It answers from
/// memory, calls nobody, and throws rather than guess.
/// </summary>
public sealed class PlacementBoard
{
    private readonly ConcurrentDictionary<string, PlacementMap> _maps = [];

    /// <summary>Takes over a map unless a newer one is here.</summary>
    public void Install(string model, PlacementMap map) =>
        _maps.AddOrUpdate(model, map, (_, known) => map.Version >= known.Version ? map : known);

    /// <summary>The map of a model.</summary>
    /// <exception cref="PlacementRefusedException">No map has arrived.</exception>
    public PlacementMap MapOf(string model) =>
        _maps.TryGetValue(model, out PlacementMap? map)
            ? map
            : throw new PlacementRefusedException(
                $"This silo has no placement map of model '{model}': its epoch is not open. Create or open the model first.");

    /// <summary>The worker beside which a grain belongs.</summary>
    /// <param name="key">Key of an expert or gate grain.</param>
    /// <exception cref="PlacementRefusedException">No map has arrived, or it does not know the key.</exception>
    public WorkerId WorkerOf(string key)
    {
        try
        {
            PlacementMap map = MapOf(GrainKeys.Model(key));
            if (!GrainKeys.TryGate(key, out int layer, out int rank))
            {
                return map.WorkerOf(GrainKeys.Shard(key));
            }

            if (layer >= map.Layers || map.RanksOf(layer).IsEmpty)
            {
                throw new PlacementRefusedException($"The gate '{key}' belongs to layer {layer}, which has no experts.");
            }

            return rank < map.Workers.Length
                ? map.Workers[rank]
                : throw new PlacementRefusedException($"The gate '{key}' belongs to rank {rank}; the epoch has {map.Workers.Length} workers.");
        }
        catch (Exception e) when (e is PlacementException or FormatException)
        {
            throw new PlacementRefusedException($"Grain '{key}' has no place: {e.Message}");
        }
    }
}
