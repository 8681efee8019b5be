using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Gates;
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
    [Id(40)]
    public WorkerMemory[] Memory { get; init; } = [];

    /// <summary>How the placement follows the load; null when it does not.</summary>
    [Id(30)]
    public DirectorSettings? Director { get; init; }

    /// <summary>Raised by every change of <see cref="Director"/>.</summary>
    [Id(31)]
    public long DirectorRevision { get; init; }

    /// <summary>What the cluster was measured to do; null before.</summary>
    [Id(32)]
    public ClusterCalibration? Calibration { get; init; }

    /// <summary>Routing policies of the layers that do not route as the run began.</summary>
    [Id(10)]
    public GatePolicyMessage[] Gates { get; init; } = [];
}
