namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>A host's answer to the roll-call.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.roll")]
public sealed class HostRoll
{
    /// <summary>Number of devices.</summary>
    [Id(0)]
    public required int Devices { get; init; }

    /// <summary>Highest term seen for the model; 0 for none.</summary>
    [Id(1)]
    public long Term { get; init; }

    /// <summary>Epoch of the model; 0 for none.</summary>
    [Id(2)]
    public long Epoch { get; init; }

    /// <summary>Committed steps; −1 when the host holds nothing of the model.</summary>
    [Id(3)]
    public long Version { get; init; } = -1;

    /// <summary>Step that is prepared and not decided; 0 for none.</summary>
    [Id(4)]
    public long Prepared { get; init; }

    /// <summary>Shards by device, as <c>layer/expert</c>; which replica each is, the map says.</summary>
    [Id(5)]
    public string[][] Shards { get; init; } = [];

    /// <summary>Whether an order is still running: the rest of the answer means nothing, ask again.</summary>
    [Id(6)]
    public bool Busy { get; init; }

    /// <summary>Memory of the host's workers, by device.</summary>
    [Id(40)]
    public WorkerMemory[] Memory { get; init; } = [];

    /// <summary>The epoch whose shards have arrived and that waits to be adopted; 0 for none.</summary>
    [Id(20)]
    public long Pending { get; init; }
}
