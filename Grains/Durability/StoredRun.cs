using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Placement.Costs;

namespace MoEActors.Grains.Durability;

/// <summary>What a run is; written once.</summary>
/// <param name="Run">Tells it from every other run.</param>
/// <param name="Configuration">The run's definition.</param>
/// <param name="Checkpoint">Place of the checkpoint that it was restored from; null when it began with its seed.</param>
/// <param name="CheckpointStep">The step of that checkpoint.</param>
/// <param name="InferenceOnly">Whether only parameters were read.</param>
/// <param name="Cursor">What the caller saved with that checkpoint.</param>
[GenerateSerializer, Immutable, Alias("moe.stored.definition")]
internal sealed record StoredDefinition(
    [property: Id(0)] Guid Run, [property: Id(1)] RunConfiguration Configuration, [property: Id(2)] string? Checkpoint, [property: Id(3)] long CheckpointStep,
    [property: Id(4)] bool InferenceOnly, [property: Id(5)] string Cursor);

/// <summary>
/// How far a run is; written with every decision, by compare-and-swap. It stays small: the placement, which grows with the number of experts, is stored
/// beside it when it changes, and outcomes come without counts by expert.
/// </summary>
[GenerateSerializer, Immutable, Alias("moe.stored.state")]
internal sealed record StoredState
{
    [Id(0)] public required long Version { get; init; }

    /// <summary>The run of the definition beside it.</summary>
    [Id(1)] public required Guid Run { get; init; }

    [Id(2)] public required long Term { get; init; }

    [Id(3)] public required Guid Owner { get; init; }

    [Id(4)] public required long View { get; init; }

    /// <summary>Where the placement is stored; null for none.</summary>
    [Id(5)] public required string? MapName { get; init; }

    [Id(6)] public required string[] Silos { get; init; }

    [Id(7)] public required GatePolicy[] Gates { get; init; }

    [Id(8)] public required GatePolicy[] PastGates { get; init; }

    [Id(9)] public required long Step { get; init; }

    [Id(10)] public required StepOutcome[] LastOutcomes { get; init; }

    [Id(11)] public required SnapshotMark[] Snapshots { get; init; }

    [Id(12)] public required long LoggedFrom { get; init; }

    [Id(13)] public required RecoveryMark? Recovery { get; init; }

    [Id(14)] public required DirectorSettings? Director { get; init; }

    [Id(15)] public required long DirectorRevision { get; init; }

    [Id(16)] public required ClusterCalibration? Calibration { get; init; }

    /// <summary>What of a record changes.</summary>
    public static StoredState Of(RunRecord record, string? mapName) => new()
    {
        Version = record.Version,
        Run = record.Run,
        Term = record.Term,
        Owner = record.Owner,
        View = record.View,
        MapName = mapName,
        Silos = record.Silos,
        Gates = record.Gates,
        PastGates = record.PastGates,
        Step = record.Step,
        LastOutcomes = [.. record.LastOutcomes.Select(outcome => outcome with { KeptTokens = [], ChosenTokens = [], Timings = [] })],
        Snapshots = record.Snapshots,
        LoggedFrom = record.LoggedFrom,
        Recovery = record.Recovery,
        Director = record.Director,
        DirectorRevision = record.DirectorRevision,
        Calibration = record.Calibration,
    };

    /// <summary>The record that it is part of. Counts by expert, which are not kept, are zero in outcomes.</summary>
    public RunRecord With(StoredDefinition definition, PlacementMap? map)
    {
        long[][] zeros = [.. definition.Configuration.Model.Experts.Select(count => new long[count])];
        return new RunRecord
        {
            Version = Version,
            Run = Run,
            Term = Term,
            Owner = Owner,
            View = View,
            Map = map,
            Configuration = definition.Configuration,
            Checkpoint = definition.Checkpoint,
            CheckpointStep = definition.CheckpointStep,
            InferenceOnly = definition.InferenceOnly,
            Cursor = definition.Cursor,
            Silos = Silos,
            Gates = Gates,
            PastGates = PastGates,
            Step = Step,
            LastOutcomes = [.. LastOutcomes.Select(outcome => outcome with { KeptTokens = zeros, ChosenTokens = zeros })],
            Snapshots = Snapshots,
            LoggedFrom = LoggedFrom,
            Recovery = Recovery,
            Director = Director,
            DirectorRevision = DirectorRevision,
            Calibration = Calibration,
        };
    }
}

/// <summary>What is stored, whatever the storage's own serializer: bytes of Orleans' serialization.</summary>
[GenerateSerializer, Alias("moe.stored.bytes")]
internal sealed class StoredBytes
{
    /// <summary>The bytes.</summary>
    [Id(0)] public byte[] Data { get; set; } = [];
}
