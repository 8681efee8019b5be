using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>How a model is doing.</summary>
[GenerateSerializer, Immutable, Alias("moe.training.status")]
public sealed class TrainingStatus
{
    /// <summary>The model.</summary>
    [Id(0)] public required string Model { get; init; }

    /// <summary>The coordinator's term.</summary>
    [Id(1)] public required long Term { get; init; }

    /// <summary>The view; 0 when none is open.</summary>
    [Id(2)] public required long View { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(3)] public required long Step { get; init; }

    /// <summary>The run's definition. Whoever uses it brings what its names stand for.</summary>
    [Id(4)] public required RunConfiguration Configuration { get; init; }

    /// <summary>Members and placement; null when no view is open.</summary>
    [Id(5)] public PlacementMap? Map { get; init; }

    /// <summary>Name of each rank's silo.</summary>
    [Id(6)] public string[] SiloNames { get; init; } = [];

    /// <summary>Memory of each rank's worker, as of its last command.</summary>
    [Id(40)] public WorkerMemory[] Memory { get; init; } = [];

    /// <summary>Tells this run from every other, one of the same name before or after it included.</summary>
    [Id(42)] public Guid Run { get; init; }

    /// <summary>Whether the run was stopped: it goes on when somebody opens the model.</summary>
    [Id(43)] public bool IsStopped { get; init; }

    /// <summary>The step that the run would go back to if a silo with experts died now: that of its last snapshot, or of what it began with.</summary>
    [Id(41)] public long SnapshotStep { get; init; }

    /// <summary>Names of the silos that were drained: views form without them.</summary>
    [Id(44)] public string[] Drained { get; init; } = [];

    /// <summary>How the placement follows the load; null when it does not.</summary>
    [Id(30)] public DirectorSettings? Director { get; init; }

    /// <summary>Raised by every change of <see cref="Director"/>.</summary>
    [Id(31)] public long DirectorRevision { get; init; }

    /// <summary>What the cluster was measured to do; null before.</summary>
    [Id(32)] public ClusterCalibration? Calibration { get; init; }

    /// <summary>Routing policies of the layers that do not route as the run began.</summary>
    [Id(10)] public GatePolicy[] Gates { get; init; } = [];

    /// <summary>By layer: what travels in a step; empty where rows do in all of them. In a layer that is tuned, what did in the last step.</summary>
    [Id(46)] public ParallelismChoice[] Parallelism { get; init; } = [];

    /// <summary>The layers in which what travels is chosen by what steps take, and why it is what it is.</summary>
    [Id(12)] public LayerTuning[] Tuning { get; init; } = [];

    /// <summary>By layer: copies of experts that were made for the passes of the last committed step; empty where there were none.</summary>
    [Id(45)] public int[] TransientCopies { get; init; } = [];
}

/// <summary>A layer in which what travels is chosen by what steps take.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Reason">What is best now, what it took, and what comes next: a sentence.</param>
[GenerateSerializer, Immutable, Alias("moe.training.layer-tuning")]
public sealed record LayerTuning([property: Id(0)] int Layer, [property: Id(1)] string Reason);
