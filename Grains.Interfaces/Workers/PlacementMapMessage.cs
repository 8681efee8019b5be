using MoEActors.Placement.Map;

namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>A placement map on its way to a silo.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.map")]
public sealed class PlacementMapMessage
{
    /// <summary>Version of the map.</summary>
    [Id(0)]
    public long Version { get; init; }

    /// <summary>Silo of each rank.</summary>
    [Id(1)]
    public string[] Silos { get; init; } = [];

    /// <summary>Device of each rank.</summary>
    [Id(2)]
    public int[] Devices { get; init; } = [];

    /// <summary>By layer and expert: the ranks that hold it, home first.</summary>
    [Id(3)]
    public int[][][] Ranks { get; init; } = [];

    /// <summary>The message of a map.</summary>
    public static PlacementMapMessage From(PlacementMap map) => new()
    {
        Version = map.Version,
        Silos = [.. map.Workers.Select(worker => worker.Silo)],
        Devices = [.. map.Workers.Select(worker => worker.Device)],
        Ranks =
        [
            .. Enumerable.Range(0, map.Layers).Select(map.PlacementOf)
                .Select(layer => Enumerable.Range(0, layer.Experts).Select(expert => layer.RanksOf(expert).ToArray()).ToArray()),
        ],
    };

    /// <summary>The map, checked.</summary>
    /// <exception cref="PlacementException">The message is no valid map.</exception>
    public PlacementMap ToMap() =>
        PlacementMap.OfReplicas(Version, [.. Silos.Zip(Devices, (silo, device) => new WorkerId(silo, device))], Ranks);
}
