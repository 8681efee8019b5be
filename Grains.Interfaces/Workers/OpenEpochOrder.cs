using MoEActors.Grains.Interfaces.Gates;

namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Take part in an epoch: hold the shards that the map names and open the communicator.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.open")]
public sealed class OpenEpochOrder : WorkOrder
{
    /// <summary>The run's configuration as JSON.</summary>
    [Id(0)]
    public required string Configuration { get; init; }

    /// <summary>Members in rank order, and who holds what.</summary>
    [Id(1)]
    public required PlacementMapMessage Map { get; init; }

    /// <summary>Committed steps; 0 starts from the seed.</summary>
    [Id(2)]
    public required long Version { get; init; }

    /// <summary>Folder of the checkpoint that a worker which holds nothing starts from; null for the seed.</summary>
    [Id(3)]
    public string? Checkpoint { get; init; }

    /// <summary>Routing policies of the layers that do not route as the run began.</summary>
    [Id(10)]
    public GatePolicyMessage[] Gates { get; init; } = [];
}
