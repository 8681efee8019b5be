using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>How a model is doing.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.training.status")]
public sealed class TrainingStatus
{
    /// <summary>The model.</summary>
    [Id(0)]
    public required string Model { get; init; }

    /// <summary>The coordinator's reign.</summary>
    [Id(1)]
    public required long Term { get; init; }

    /// <summary>The epoch; 0 when none is open.</summary>
    [Id(2)]
    public required long Epoch { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(3)]
    public required long Step { get; init; }

    /// <summary>The run's configuration as JSON.</summary>
    [Id(4)]
    public required string Configuration { get; init; }

    /// <summary>Members and placement; null when no epoch is open.</summary>
    [Id(5)]
    public PlacementMapMessage? Map { get; init; }

    /// <summary>Name of each rank's silo.</summary>
    [Id(6)]
    public string[] SiloNames { get; init; } = [];

    /// <summary>Memory of each rank's worker, as of its last order.</summary>
    [Id(10)]
    public WorkerMemory[] Memory { get; init; } = [];
}
