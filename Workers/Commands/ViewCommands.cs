using MoEActors.Modules.Gates;

namespace MoEActors.Workers.Commands;

/// <summary>Take part in a view: hold the shards that the map names and open the communicator.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.view.open")]
public sealed class OpenViewCommand : Command<DoneReport>
{
    /// <summary>The run's definition.</summary>
    [Id(0)] public required RunConfiguration Run { get; init; }

    /// <summary>Members in rank order, and who holds what.</summary>
    [Id(1)] public required PlacementMap Map { get; init; }

    /// <summary>Committed steps; 0 starts from the seed.</summary>
    [Id(2)] public required long Version { get; init; }

    /// <summary>Place of the checkpoint that a worker which holds nothing starts from; null for the seed.</summary>
    [Id(3)] public string? Checkpoint { get; init; }

    /// <summary>Routing policies of the layers that do not route as the run began.</summary>
    [Id(4)] public GatePolicy[] Gates { get; init; } = [];
}

/// <summary>
/// A change of placement among the members of a view. Shards are copied to where the next view has them; nothing else changes until a commit adopts
/// that view.
/// </summary>
[GenerateSerializer, Immutable, Alias("moe.placement-change")]
public sealed class PlacementChange
{
    /// <summary>The view that the change makes.</summary>
    [Id(0)] public required long View { get; init; }

    /// <summary>Its placement.</summary>
    [Id(1)] public required PlacementMap Map { get; init; }

    /// <summary>The shards that arrive somewhere.</summary>
    [Id(2)] public required ShardMove[] Moves { get; init; }
}

/// <summary>Copy the shards of a change of placement while no step runs. With a step, the change rides in its <see cref="PrepareCommand"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.placement-change")]
public sealed class PlacementChangeCommand : Command<PlacementChangeReport>
{
    /// <summary>The change.</summary>
    [Id(0)] public required PlacementChange Change { get; init; }
}

/// <summary>What has arrived at a worker.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.placement-change")]
public sealed class PlacementChangeReport : WorkerReport
{
    /// <summary>How the copies went.</summary>
    [Id(0)] public required ShardArrivals Arrivals { get; init; }
}

/// <summary>How the copies of a change of placement went on one worker.</summary>
[GenerateSerializer, Immutable, Alias("moe.placement-change.arrivals")]
public sealed class ShardArrivals
{
    /// <summary>The view that the change is to make.</summary>
    [Id(0)] public required long View { get; init; }

    /// <summary>Experts whose shards have arrived here whole.</summary>
    [Id(1)] public ExpertId[] Experts { get; init; } = [];

    /// <summary>What went wrong, naming the worker; null when nothing did.</summary>
    [Id(2)] public string? Failure { get; init; }

    /// <summary>Whether the failure is only that a peer failed.</summary>
    [Id(3)] public bool IsConsequence { get; init; }

    /// <summary>Seconds that the copies took, beside the step.</summary>
    [Id(4)] public double CopySeconds { get; init; }

    /// <summary>Seconds that the step had to wait for them at its end.</summary>
    [Id(5)] public double WaitSeconds { get; init; }
}

/// <summary>Route by these policies from the next step on. Layers that are not named route as the run began. Taken twice it changes nothing.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.gates")]
public sealed class ConfigureGatesCommand : Command<GatesReport>
{
    /// <summary>The policies.</summary>
    [Id(0)] public required GatePolicy[] Gates { get; init; }
}

/// <summary>Whether a worker's gates take their policies.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.gates")]
public sealed class GatesReport : WorkerReport
{
    /// <summary>Why a gate refuses its policy; null when none does.</summary>
    [Id(0)] public string? Error { get; init; }
}

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
}
