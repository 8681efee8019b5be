using System.Globalization;
using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Cli.Runs;

/// <summary>A decision of the director: what, why, and what came of it.</summary>
internal sealed record DecisionReport
{
    [JsonPropertyName("number")]
    public required long Number { get; init; }

    /// <summary>The last step whose load it was made from.</summary>
    [JsonPropertyName("step")]
    public required long Step { get; init; }

    /// <summary>landing, landed or given-up.</summary>
    [JsonPropertyName("state")]
    public required string State { get; init; }

    /// <summary>The step after which it was in force or given up; null while it lands.</summary>
    [JsonPropertyName("concluded_at")]
    public required long? ConcludedAt { get; init; }

    /// <summary>Why it was given up.</summary>
    [JsonPropertyName("failure")]
    public required string? Failure { get; init; }

    [JsonPropertyName("shards_moved")]
    public required int ShardsMoved { get; init; }

    [JsonPropertyName("bytes_moved")]
    public required long BytesMoved { get; init; }

    /// <summary>Seconds that the copies took beside the steps.</summary>
    [JsonPropertyName("copy_seconds")]
    public required double CopySeconds { get; init; }

    /// <summary>Seconds that steps waited for them.</summary>
    [JsonPropertyName("wait_seconds")]
    public required double WaitSeconds { get; init; }

    [JsonPropertyName("layers")]
    public required IReadOnlyList<LayerDecisionReport> Layers { get; init; }

    /// <summary>A decision with the names of silos.</summary>
    /// <param name="decision">The decision.</param>
    /// <param name="silos">Names by rank.</param>
    public static DecisionReport Of(DirectorDecision decision, IReadOnlyList<string> silos)
    {
        string Name(int rank) => rank < silos.Count ? silos[rank] : $"rank {rank}";
        return new DecisionReport
        {
            Number = decision.Number,
            Step = decision.Step,
            State = decision.State switch
            {
                DecisionState.Landing => "landing",
                DecisionState.Landed => "landed",
                _ => "given-up",
            },
            ConcludedAt = decision.State == DecisionState.Landing ? null : decision.ConcludedAt,
            Failure = decision.Failure,
            ShardsMoved = decision.ShardsMoved,
            BytesMoved = decision.BytesMoved,
            CopySeconds = decision.CopySeconds,
            WaitSeconds = decision.WaitSeconds,
            Layers =
            [
                .. decision.Layers.Select(layer => new LayerDecisionReport
                {
                    Layer = layer.Layer,
                    Arrivals = [.. layer.Arrivals.Select(move => $"expert {move.Expert}: {Name(move.From)} to {Name(move.To)}")],
                    Reason = layer.Reason,
                    RatioBefore = layer.RatioBefore,
                    PredictedRatio = layer.PredictedRatio,
                    MeasuredRatio = layer.MeasuredRatio,
                    PredictedSecondsBefore = layer.SecondsBefore,
                    PredictedSeconds = layer.PredictedSeconds,
                    MeasuredSecondsBefore = layer.MeasuredSecondsBefore,
                    MeasuredSeconds = layer.MeasuredSeconds,
                }),
            ],
        };
    }

    /// <summary>In one line: what moved where, the balance ratio that it was made for, and the one expected or, if known, measured.</summary>
    public override string ToString()
    {
        IEnumerable<string> layers = Layers.Select(layer => string.Create(
            CultureInfo.InvariantCulture,
            $"layer {layer.Layer}, balance {layer.RatioBefore:0.00} to {layer.MeasuredRatio ?? layer.PredictedRatio:0.00}{(layer.MeasuredRatio is null ? " expected" : "")} ({string.Join(", ", layer.Arrivals.DefaultIfEmpty("copies given up"))})"));
        return $"{string.Join("; ", layers)}{(Failure is { } failure ? $" - given up: {failure}" : "")}";
    }
}
