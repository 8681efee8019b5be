using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Workers.Host;

namespace MoEActors.Grains.Pinning;

/// <summary>Where expert and gate grains belong, by the placement maps that this silo has. It throws rather than guess.</summary>
public sealed class GrainPlaces(PlacementMapCache maps)
{
    /// <summary>The worker beside which a grain belongs.</summary>
    /// <param name="key">Key of an expert or gate grain.</param>
    /// <exception cref="PlacementRefusedException">No map has arrived, or it does not know the key.</exception>
    public WorkerId WorkerOf(string key)
    {
        try
        {
            string model = GrainKeys.Model(key);
            PlacementMap map = maps.MapOf(model) ?? throw new PlacementRefusedException(
                $"This silo has no placement map of model '{model}': its view is not open. Create or open the model first.");
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
                : throw new PlacementRefusedException($"The gate '{key}' belongs to rank {rank}; the view has {map.Workers.Length} workers.");
        }
        catch (Exception e) when (e is PlacementException or FormatException)
        {
            throw new PlacementRefusedException($"Grain '{key}' has no place: {e.Message}");
        }
    }

    /// <summary>The silo that a grain belongs to; null when no map has a place for it.</summary>
    /// <param name="key">Key of an expert or gate grain.</param>
    public string? SiloOf(string key)
    {
        try
        {
            return WorkerOf(key).Silo;
        }
        catch (PlacementRefusedException)
        {
            return null;
        }
    }
}
