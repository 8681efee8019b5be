using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Grains.Durability;

/// <summary>
/// What must survive of a run so that another coordinator can go on. What changes with a decision travels and is stored as one; the run's definition, which does not
/// change, and the placement, which grows with the number of experts, are stored beside it (<see cref="StoredDefinition"/>).
/// </summary>
[GenerateSerializer, Immutable, Alias("moe.stored.state")]
public sealed record RunRecord
{
    /// <summary>Raised by every write: the value that compare-and-swap compares.</summary>
    [Id(0)]
    public long Version { get; init; }

    /// <summary>Tells this run from every other, one of the same name before or after it included.</summary>
    [Id(1)]
    public Guid Run { get; init; }

    /// <summary>The coordinator's term.</summary>
    [Id(2)]
    public long Term { get; init; }

    /// <summary>Which coordinator has written this: terms can be equal when a store has forgotten one, coordinators cannot.</summary>
    [Id(3)]
    public Guid Owner { get; init; }

    /// <summary>The last view that was begun.</summary>
    [Id(4)]
    public long View { get; init; }

    /// <summary>Members and placement of that view; null before the first.</summary>
    [field: NonSerialized]
    public PlacementMap? Map { get; init; }

    /// <summary>Where a storage has <see cref="Map"/>; null for none, or for a store that keeps it here.</summary>
    [Id(5)]
    internal string? MapName { get; init; }

    /// <summary>The run's definition.</summary>
    [field: NonSerialized]
    public RunConfiguration Configuration { get; init; } = new();

    /// <summary>Place of the checkpoint that the run was restored from; null when it began with its seed.</summary>
    [field: NonSerialized]
    public string? Checkpoint { get; init; }

    /// <summary>The step of that checkpoint.</summary>
    [field: NonSerialized]
    public long CheckpointStep { get; init; }

    /// <summary>Whether the checkpoint's parameters alone were read, so that nothing can be learnt or saved.</summary>
    [field: NonSerialized]
    public bool InferenceOnly { get; init; }

    /// <summary>What the caller saved with that checkpoint.</summary>
    [field: NonSerialized]
    public string Cursor { get; init; } = "";

    /// <summary>Names of the silos that were asked for, in rank order; empty for all living ones.</summary>
    [Id(6)]
    public string[] Silos { get; init; } = [];

    /// <summary>Routing policies in force, of the layers that do not route as the run began.</summary>
    [Id(7)]
    public GatePolicy[] Gates { get; init; } = [];

    /// <summary>Policies that were in force before, oldest first: steps that are computed again route as they did.</summary>
    [Id(8)]
    public GatePolicy[] PastGates { get; init; } = [];

    /// <summary>Steps decided as committed.</summary>
    [Id(9)]
    public long Step { get; init; }

    /// <summary>Outcomes of the last committed steps, ascending, for a client that missed them: more than a client has in flight.</summary>
    [Id(10)]
    public StepOutcome[] LastOutcomes { get; init; } = [];

    /// <summary>The last snapshots that are complete, two at most, ascending.</summary>
    [Id(11)]
    public SnapshotMark[] Snapshots { get; init; } = [];

    /// <summary>The batches of all steps after this one are logged.</summary>
    [Id(12)]
    public long LoggedFrom { get; init; }

    /// <summary>What the members are being brought to; null unless something was lost and is being computed again.</summary>
    [Id(13)]
    public RecoveryMark? Recovery { get; init; }

    /// <summary>Whether the run was stopped: it goes on when somebody opens the model.</summary>
    [Id(19)]
    public bool IsStopped { get; init; }

    /// <summary>How the placement follows the load; null when it does not.</summary>
    [Id(14)]
    public DirectorSettings? Director { get; init; }

    /// <summary>Raised by every change of <see cref="Director"/>.</summary>
    [Id(15)]
    public long DirectorRevision { get; init; }

    /// <summary>What the cluster was measured to do; null before.</summary>
    [Id(16)]
    public ClusterCalibration? Calibration { get; init; }

    /// <summary>By layer: what travels in a step; empty where rows do in all of them. Of a layer that is tuned, what needs the most memory.</summary>
    [Id(21)]
    public ParallelismChoice[] Parallelism { get; init; } = [];

    /// <summary>What silos wrote in its place before experts could have slices.</summary>
    [Id(17)]
    private LayerParallelism[] FormerParallelism { get; init; } = [];

    /// <summary>The layers in which what travels is chosen by what steps take.</summary>
    [Id(20)]
    public int[] TunedLayers { get; init; } = [];

    /// <summary>What the checkpoint that the run was restored from says of parallelism; null for nothing.</summary>
    [field: NonSerialized]
    public string? Tuning { get; init; }

    /// <summary>Names of the silos that were drained: views form without them.</summary>
    [Id(18)]
    public string[] Drained { get; init; } = [];

    /// <summary>As silos write it now.</summary>
    internal RunRecord OfNow() => FormerParallelism.Length == 0
        ? this
        : this with { Parallelism = Parallelism.Length > 0 ? Parallelism : [.. FormerParallelism.Select(ParallelismChoice.Of)], FormerParallelism = [] };
}

/// <summary>A complete snapshot, or the checkpoint or seed that a run began with.</summary>
/// <param name="Step">The step whose state it is.</param>
/// <param name="Place">Its place; null for the seed.</param>
/// <param name="Tag">What tells copies of it that members have in memory from those of any other; null for what no member has copied.</param>
[GenerateSerializer, Immutable, Alias("moe.stored.snapshot")]
public sealed record SnapshotMark([property: Id(0)] long Step, [property: Id(1)] string? Place, [property: Id(2)] string? Tag = null);

/// <summary>A recovery that has begun: members are at any step between the snapshot's and the target.</summary>
/// <param name="From">What all members start from.</param>
/// <param name="Target">The last step that was decided: logged batches up to it are learnt again.</param>
[GenerateSerializer, Immutable, Alias("moe.stored.recovery")]
public sealed record RecoveryMark([property: Id(0)] SnapshotMark From, [property: Id(1)] long Target);
