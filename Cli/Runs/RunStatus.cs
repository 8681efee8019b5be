using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Cli.Runs;

/// <summary>How a run stands: the file status.json of its folder.</summary>
internal sealed record RunStatus
{
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    [JsonPropertyName("state")]
    public required RunState State { get; init; }

    /// <summary>What went wrong, when the run failed.</summary>
    [JsonPropertyName("error")]
    public string? Error { get; init; }

    /// <summary>Committed steps.</summary>
    [JsonPropertyName("step")]
    public required long Step { get; init; }

    /// <summary>Steps to do.</summary>
    [JsonPropertyName("steps")]
    public required long Steps { get; init; }

    /// <summary>Smoothed training loss in nats per byte; null before the first step.</summary>
    [JsonPropertyName("loss")]
    public double? Loss { get; init; }

    [JsonPropertyName("tokens_per_second")]
    public double? TokensPerSecond { get; init; }

    /// <summary>Actor runtime: local or orleans.</summary>
    [JsonPropertyName("runtime")]
    public required string Runtime { get; init; }

    [JsonPropertyName("silos")]
    public required int Silos { get; init; }

    /// <summary>Device memory of each worker, in rank order; empty before the first step.</summary>
    [JsonPropertyName("memory")]
    public IReadOnlyList<WorkerUse> Memory { get; init; } = [];

    /// <summary>Folder of the checkpoint; null while there is none of this run.</summary>
    [JsonPropertyName("checkpoint")]
    public string? Checkpoint { get; init; }

    /// <summary>Step of the checkpoint.</summary>
    [JsonPropertyName("checkpoint_step")]
    public long? CheckpointStep { get; init; }

    /// <summary>What the director sees, and its last decisions; null without one.</summary>
    [JsonPropertyName("director")]
    public DirectorReport? Director { get; init; }

    /// <summary>The process that runs it, or ran it.</summary>
    [JsonPropertyName("process")]
    public required int Process { get; init; }

    [JsonPropertyName("machine")]
    public required string Machine { get; init; }

    [JsonPropertyName("updated_at")]
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>How far a run has come.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunState>))]
internal enum RunState
{
    /// <summary>At work.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>At its end.</summary>
    [JsonStringEnumMemberName("done")]
    Done,

    /// <summary>Ended by an error.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Stopped by its user.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,
}

/// <summary>Device memory of one worker of a run, in bytes.</summary>
internal sealed record WorkerUse
{
    /// <summary>What the device has allocated.</summary>
    [JsonPropertyName("used")]
    public required long Used { get; init; }

    /// <summary>What it may allocate.</summary>
    [JsonPropertyName("budget")]
    public required long Budget { get; init; }

    /// <summary>The use of a worker.</summary>
    public static WorkerUse Of(WorkerMemory memory) => new() { Used = memory.Used, Budget = memory.Budget };
}
