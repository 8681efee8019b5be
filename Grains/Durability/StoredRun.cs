using System.Security.Cryptography;

namespace MoEActors.Grains.Durability;

/// <summary>What a run is; written once.</summary>
/// <param name="Run">Tells it from every other run.</param>
/// <param name="Configuration">The run's definition.</param>
/// <param name="Checkpoint">Place of the checkpoint that it was restored from; null when it began with its seed.</param>
/// <param name="CheckpointStep">The step of that checkpoint.</param>
/// <param name="InferenceOnly">Whether only parameters were read.</param>
/// <param name="Cursor">What the caller saved with that checkpoint.</param>
/// <param name="Tuning">What that checkpoint says of parallelism.</param>
[GenerateSerializer, Immutable, Alias("moe.stored.definition")]
internal sealed record StoredDefinition(
    [property: Id(0)] Guid Run, [property: Id(1)] RunConfiguration Configuration, [property: Id(2)] string? Checkpoint, [property: Id(3)] long CheckpointStep,
    [property: Id(4)] bool InferenceOnly, [property: Id(5)] string Cursor, [property: Id(6)] string? Tuning)
{
    /// <summary>What of a record does not change.</summary>
    public static StoredDefinition Of(RunRecord record) =>
        new(record.Run, record.Configuration, record.Checkpoint, record.CheckpointStep, record.InferenceOnly, record.Cursor, record.Tuning);

    /// <summary>
    /// What is stored of a record with every decision. It stays small: outcomes come without counts by expert, and the placement is stored beside it when it
    /// changes.
    /// </summary>
    public static RunRecord StateOf(RunRecord record, string? mapName) => record with
    {
        MapName = mapName,
        LastOutcomes = [.. record.LastOutcomes.Select(outcome => outcome with { KeptTokens = [], ChosenTokens = [], Timings = [] })],
    };

    /// <summary>The record that a stored state is part of. Counts by expert, which are not kept, are zero in outcomes.</summary>
    public RunRecord With(RunRecord state, PlacementMap? map)
    {
        long[][] zeros = [.. Configuration.Model.Experts.Select(count => new long[count])];
        return state with
        {
            Map = map,
            Configuration = Configuration,
            Checkpoint = Checkpoint,
            CheckpointStep = CheckpointStep,
            InferenceOnly = InferenceOnly,
            Cursor = Cursor,
            Tuning = Tuning,
            LastOutcomes = [.. state.LastOutcomes.Select(outcome => outcome with { KeptTokens = zeros, ChosenTokens = zeros })],
        };
    }
}

/// <summary>What is stored, whatever the storage's own serializer: bytes of Orleans' serialization.</summary>
[GenerateSerializer, Alias("moe.stored.bytes")]
internal sealed class StoredBytes
{
    /// <summary>The bytes.</summary>
    [Id(0)] public byte[] Data { get; set; } = [];

    /// <summary>The first eight bytes of their SHA-256; null for what earlier versions have written. A store may not notice that what it has was damaged.</summary>
    [Id(1)] public ulong? Sum { get; set; }

    /// <summary>Some bytes with their sum.</summary>
    public static StoredBytes Of(byte[] data) => new() { Data = data, Sum = SumOf(data) };

    /// <summary>The bytes, if they are those that were stored.</summary>
    /// <param name="name">What they are, for the message.</param>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public byte[] Checked(string name) => Sum is { } sum && sum != SumOf(Data)
        ? throw new InvalidDataException($"What the store has as {name} is damaged. Bring the store back as it was, or delete the model and restore its last checkpoint.")
        : Data;

    private static ulong SumOf(byte[] data) => BitConverter.ToUInt64(SHA256.HashData(data));
}
