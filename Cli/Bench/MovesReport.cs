using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>What `moe bench moves` found. A step's time runs from the end of the step before to its own end.</summary>
internal sealed record MovesReport
{
    [JsonPropertyName("silos")]
    public required int Silos { get; init; }

    [JsonPropertyName("steps")]
    public required int Steps { get; init; }

    [JsonPropertyName("moves")]
    public required int Moves { get; init; }

    [JsonPropertyName("median_seconds")]
    public required double MedianSeconds { get; init; }

    [JsonPropertyName("slowest_seconds")]
    public required double SlowestSeconds { get; init; }

    /// <summary>Slowest over median.</summary>
    [JsonPropertyName("slowest_ratio")]
    public required double SlowestRatio { get; init; }

    /// <summary>The slowest step without a move over the median: what the machine does by itself.</summary>
    [JsonPropertyName("slowest_quiet_ratio")]
    public required double SlowestQuietRatio { get; init; }

    /// <summary>What a move adds to a run, median: the time of the step it was asked for in and the next, less two quiet steps'.</summary>
    [JsonPropertyName("seconds_per_move")]
    public required double SecondsPerMove { get; init; }

    /// <summary>Parameters and moments that travelled.</summary>
    [JsonPropertyName("bytes_moved")]
    public required long BytesMoved { get; init; }

    /// <summary>Device memory after all experts have come home, less that before, arenas apart.</summary>
    [JsonPropertyName("unmanaged_bytes_leaked")]
    public required long UnmanagedBytesLeaked { get; init; }

    /// <summary>What is alive on the managed heap afterwards, less before: some tens of KB of either sign are the runtime's own.</summary>
    [JsonPropertyName("managed_bytes_leaked")]
    public required long ManagedBytesLeaked { get; init; }
}
