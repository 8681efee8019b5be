using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Placement.Costs;

namespace MoEActors.Grains.Durability;

/// <summary>What must survive of a run so that another coordinator can go on.</summary>
public sealed record RunRecord
{
    /// <summary>Raised by every write: the value that compare-and-swap compares.</summary>
    public long Version { get; init; }

    /// <summary>The coordinator's term.</summary>
    public long Term { get; init; }

    /// <summary>The last view that was begun.</summary>
    public long View { get; init; }

    /// <summary>Members and placement of that view; null before the first.</summary>
    public PlacementMap? Map { get; init; }

    /// <summary>The run's definition.</summary>
    public RunConfiguration Configuration { get; init; } = new();

    /// <summary>Place of the checkpoint that the run was restored from; null when it began with its seed.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The step of that checkpoint.</summary>
    public long CheckpointStep { get; init; }

    /// <summary>Whether the checkpoint's parameters alone were read, so that nothing can be learnt or saved.</summary>
    public bool InferenceOnly { get; init; }

    /// <summary>What the caller saved with that checkpoint.</summary>
    public string Cursor { get; init; } = "";

    /// <summary>Routing policies in force, of the layers that do not route as the run began.</summary>
    public GatePolicy[] Gates { get; init; } = [];

    /// <summary>Steps decided as committed.</summary>
    public long Step { get; init; }

    /// <summary>Outcomes of the last committed steps, ascending, for a client that missed them: more than a client has in flight.</summary>
    public StepOutcome[] LastOutcomes { get; init; } = [];

    /// <summary>How the placement follows the load; null when it does not.</summary>
    public DirectorSettings? Director { get; init; }

    /// <summary>Raised by every change of <see cref="Director"/>.</summary>
    public long DirectorRevision { get; init; }

    /// <summary>What the cluster was measured to do; null before.</summary>
    public ClusterCalibration? Calibration { get; init; }
}
