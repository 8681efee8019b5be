using System.Text.Json.Serialization;

namespace MoEActors.Cli.Runs;

/// <summary>What a decision of the director meant for one layer. Ratios are busiest worker over mean.</summary>
internal sealed record LayerDecisionReport
{
    [JsonPropertyName("layer")]
    public required int Layer { get; init; }

    /// <summary>As in "expert 3: silo-0 to silo-2".</summary>
    [JsonPropertyName("arrivals")]
    public required IReadOnlyList<string> Arrivals { get; init; }

    [JsonPropertyName("reason")]
    public required string Reason { get; init; }

    [JsonPropertyName("ratio_before")]
    public required double RatioBefore { get; init; }

    [JsonPropertyName("predicted_ratio")]
    public required double PredictedRatio { get; init; }

    /// <summary>Null before it is in force.</summary>
    [JsonPropertyName("measured_ratio")]
    public required double? MeasuredRatio { get; init; }

    /// <summary>Seconds of the slowest worker in exchange and experts of a step, as predicted.</summary>
    [JsonPropertyName("predicted_seconds_before")]
    public required double PredictedSecondsBefore { get; init; }

    [JsonPropertyName("predicted_seconds")]
    public required double PredictedSeconds { get; init; }

    /// <summary>The same as measured.</summary>
    [JsonPropertyName("measured_seconds_before")]
    public required double? MeasuredSecondsBefore { get; init; }

    [JsonPropertyName("measured_seconds")]
    public required double? MeasuredSeconds { get; init; }
}
