using MoEActors.Modules.Gates;

namespace MoEActors.Workers.Commands;

/// <summary>Take part in a view: hold the shards that the map names and open the communicator.</summary>
/// <param name="Run">The run's definition.</param>
/// <param name="Map">Members in rank order, and who holds what.</param>
/// <param name="Version">Committed steps; 0 starts from the seed.</param>
/// <param name="Checkpoint">Place of the checkpoint or snapshot of that step, for workers that are not at it; null for the seed.</param>
/// <param name="Gates">Routing policies of the layers that do not route as the run began.</param>
/// <param name="InferenceOnly">Whether nothing will be learnt, so that parameters are read from the checkpoint and moments are not.</param>
/// <param name="Anew">Whether every worker starts from there, whatever it holds: what was lost with a member is computed again from that step on.</param>
/// <param name="EndPoints">By rank: where its host accepts data connections, empty for nowhere; null where no host does.</param>
/// <param name="Copies">Who gives what the workers start from, where all of it is in their memory: then nothing is read from the checkpoint.</param>
[GenerateSerializer, Immutable, Alias("moe.command.view.open")]
public sealed record OpenViewCommand(
    [property: Id(0)] RunConfiguration Run, [property: Id(1)] PlacementMap Map, [property: Id(2)] long Version, [property: Id(3)] string? Checkpoint,
    [property: Id(4)] GatePolicy[] Gates, [property: Id(5)] bool InferenceOnly = false, [property: Id(6)] bool Anew = false,
    [property: Id(7)] string[]? EndPoints = null, [property: Id(8)] CopySources? Copies = null) : Command<OpenViewReport>;

/// <summary>Whether a worker takes part.</summary>
/// <param name="Unreadable">Why it cannot read what it starts from; null when it takes part.</param>
[GenerateSerializer, Immutable, Alias("moe.report.view.open")]
public sealed record OpenViewReport([property: Id(0)] string? Unreadable = null) : WorkerReport;

/// <summary>
/// A change of placement among the members of a view. Shards are copied to where the next view has them; nothing else changes until a commit adopts
/// that view.
/// </summary>
/// <param name="View">The view that the change makes.</param>
/// <param name="Map">Its placement.</param>
/// <param name="Moves">The shards that arrive somewhere.</param>
[GenerateSerializer, Immutable, Alias("moe.placement-change")]
public sealed record PlacementChange([property: Id(0)] long View, [property: Id(1)] PlacementMap Map, [property: Id(2)] ShardMove[] Moves);

/// <summary>Copy the shards of a change of placement while no step runs. With a step, the change is a part of its <see cref="PrepareCommand"/>.</summary>
/// <param name="Change">The change.</param>
[GenerateSerializer, Immutable, Alias("moe.command.placement-change")]
public sealed record PlacementChangeCommand([property: Id(0)] PlacementChange Change) : Command<PlacementChangeReport>;

/// <summary>What has arrived at a worker.</summary>
/// <param name="Arrivals">How the copies went.</param>
[GenerateSerializer, Immutable, Alias("moe.report.placement-change")]
public sealed record PlacementChangeReport([property: Id(0)] ShardArrivals Arrivals) : WorkerReport;

/// <summary>How the copies of a change of placement went on one worker.</summary>
/// <param name="View">The view that the change is to make.</param>
/// <param name="Experts">Experts whose shards have arrived here whole.</param>
/// <param name="Failure">What went wrong, naming the worker; null when nothing did.</param>
/// <param name="IsConsequence">Whether the failure is only that a peer failed.</param>
/// <param name="CopySeconds">Seconds that the copies took, beside the step.</param>
/// <param name="WaitSeconds">Seconds that the step had to wait for them at its end.</param>
[GenerateSerializer, Immutable, Alias("moe.placement-change.arrivals")]
public sealed record ShardArrivals(
    [property: Id(0)] long View, [property: Id(1)] ExpertId[] Experts, [property: Id(2)] string? Failure, [property: Id(3)] bool IsConsequence,
    [property: Id(4)] double CopySeconds, [property: Id(5)] double WaitSeconds);

/// <summary>Route by these policies from the next step on. Layers that are not named route as the run began. Taken twice it changes nothing.</summary>
/// <param name="Gates">The policies.</param>
[GenerateSerializer, Immutable, Alias("moe.command.gates")]
public sealed record ConfigureGatesCommand([property: Id(0)] GatePolicy[] Gates) : Command<GatesReport>;

/// <summary>Whether a worker's gates take their policies.</summary>
/// <param name="Error">Why a gate refuses its policy; null when none does.</param>
[GenerateSerializer, Immutable, Alias("moe.report.gates")]
public sealed record GatesReport([property: Id(0)] string? Error) : WorkerReport;

/// <summary>What a host holds of a model.</summary>
[GenerateSerializer, Immutable, Alias("moe.inventory")]
public sealed class HostInventory
{
    /// <summary>Number of devices.</summary>
    [Id(0)] public required int Devices { get; init; }

    /// <summary>Highest term seen for the model; 0 for none.</summary>
    [Id(1)] public long Term { get; init; }

    /// <summary>View of the model; 0 for none.</summary>
    [Id(2)] public long View { get; init; }

    /// <summary>Committed steps; −1 when the host holds nothing of the model.</summary>
    [Id(3)] public long Version { get; init; } = -1;

    /// <summary>Step that is prepared and not decided; 0 for none.</summary>
    [Id(4)] public long Prepared { get; init; }

    /// <summary>Experts by device; which replica of an expert a device has, the map says.</summary>
    [Id(5)] public ExpertId[][] Shards { get; init; } = [];

    /// <summary>Whether a command is still running: the rest of the answer means nothing, ask again.</summary>
    [Id(6)] public bool Busy { get; init; }

    /// <summary>The view whose shards have arrived and that waits to be adopted; 0 for none.</summary>
    [Id(7)] public long Pending { get; init; }

    /// <summary>Memory of the host's workers, by device.</summary>
    [Id(8)] public WorkerMemory[] Memory { get; init; } = [];

    /// <summary>Where the host accepts data connections; null where its data plane needs no place.</summary>
    [Id(9)] public string? EndPoint { get; init; }

    /// <summary>What kind of devices they are; all hosts of a view have the same.</summary>
    [Id(10)] public string Kind { get; init; } = "";

    /// <summary>By device: copies of snapshots in memory.</summary>
    [Id(11)] public HeldCopies[][] Copies { get; init; } = [];
}
