using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>What `moe bench step` found: shares of a step's time on the clock, means over workers and steps.</summary>
internal sealed record StepReport
{
    [JsonPropertyName("silos")]
    public required int Silos { get; init; }

    [JsonPropertyName("steps")]
    public required int Steps { get; init; }

    /// <summary>From one step's end to the next.</summary>
    [JsonPropertyName("seconds_per_step")]
    public required double SecondsPerStep { get; init; }

    [JsonPropertyName("tokens_per_second")]
    public required double TokensPerSecond { get; init; }

    /// <summary>The time that workers' clocks have seen over the time that passed: near 1, or something is not measured.</summary>
    [JsonPropertyName("accounted")]
    public required double Accounted { get; init; }

    /// <summary>Adds up to 1.</summary>
    [JsonPropertyName("shares")]
    public required StepShares Shares { get; init; }

    /// <summary>
    /// The same shares in processor time of the executor threads. What is missing to 1 was spent waiting - for orders, for other workers, or
    /// for a core.
    /// </summary>
    [JsonPropertyName("busy")]
    public required StepShares Busy { get; init; }

    /// <summary>Processor time of the process outside the workers' threads over all its processor time: grains, client, runtime.</summary>
    [JsonPropertyName("processor_share_outside_workers")]
    public required double OutsideWorkers { get; init; }
}
