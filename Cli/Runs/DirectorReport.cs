using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Cli.Runs;

/// <summary>What the director of a run sees and has done.</summary>
internal sealed record DirectorReport
{
    /// <summary>Name of the policy.</summary>
    [JsonPropertyName("policy")]
    public required string Policy { get; init; }

    /// <summary>By layer: tokens of the busiest worker over the mean, in the last step seen; 1 for a dense layer.</summary>
    [JsonPropertyName("balance")]
    public required IReadOnlyList<double> Balance { get; init; }

    /// <summary>Mean of |predicted − measured| / measured of the layers' seconds; null before anything was measured.</summary>
    [JsonPropertyName("prediction_error")]
    public required double? PredictionError { get; init; }

    /// <summary>The last decisions, oldest first.</summary>
    [JsonPropertyName("decisions")]
    public required IReadOnlyList<DecisionReport> Decisions { get; init; }

    /// <summary>A director's status with the names of silos; null when there is no director.</summary>
    /// <param name="status">The status.</param>
    /// <param name="silos">Names by rank.</param>
    public static DirectorReport? Of(DirectorStatus status, IReadOnlyList<string> silos) => status.Settings is not { } settings
        ? null
        : new DirectorReport
        {
            Policy = settings.Policy,
            Balance = status.Ratios,
            PredictionError = status.PredictionError,
            Decisions = [.. status.Decisions.Select(decision => DecisionReport.Of(decision, silos))],
        };
}
