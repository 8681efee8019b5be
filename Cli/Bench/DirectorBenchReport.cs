using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>What `moe bench director` found.</summary>
internal sealed record DirectorBenchReport
{
    /// <summary>Silos of one thread each.</summary>
    [JsonPropertyName("silos")]
    public required int Silos { get; init; }

    /// <summary>Measured steps of each model.</summary>
    [JsonPropertyName("steps")]
    public required int Steps { get; init; }

    /// <summary>Replicas take whole micro-batches.</summary>
    [JsonPropertyName("reproducible")]
    public required DirectorComparison Reproducible { get; init; }

    /// <summary>Replicas take any share of an expert's tokens.</summary>
    [JsonPropertyName("fractional")]
    public required DirectorComparison Fractional { get; init; }
}
