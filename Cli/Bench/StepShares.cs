using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Cli.Bench;

/// <summary>Shares of a step by what workers do.</summary>
internal sealed record StepShares
{
    [JsonPropertyName("experts")]
    public required double Experts { get; init; }

    [JsonPropertyName("attention")]
    public required double Attention { get; init; }

    [JsonPropertyName("exchange")]
    public required double Exchange { get; init; }

    /// <summary>Workers without work: from the report of one step to the order of the next.</summary>
    [JsonPropertyName("control_plane")]
    public required double ControlPlane { get; init; }

    [JsonPropertyName("gate")]
    public required double Gate { get; init; }

    [JsonPropertyName("dense")]
    public required double Dense { get; init; }

    [JsonPropertyName("gradients")]
    public required double Gradients { get; init; }

    [JsonPropertyName("update")]
    public required double Update { get; init; }

    /// <summary>The phases over a time.</summary>
    public static StepShares Of(PhaseSeconds phases, double seconds) => new()
    {
        Experts = phases.Experts / seconds,
        Attention = phases.Attention / seconds,
        Exchange = phases.Exchange / seconds,
        ControlPlane = phases.Idle / seconds,
        Gate = phases.Gate / seconds,
        Dense = phases.Dense / seconds,
        Gradients = phases.Gradients / seconds,
        Update = phases.Update / seconds,
    };
}
