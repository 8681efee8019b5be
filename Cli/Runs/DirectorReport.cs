using System.Globalization;
using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Cli.Runs;

/// <summary>What the director of a run sees and has done.</summary>
internal sealed record DirectorReport
{
    /// <summary>Name of the policy.</summary>
    public required string Policy { get; init; }

    /// <summary>By layer: tokens of the busiest worker over the mean, in the last step seen; 1 for a dense layer.</summary>
    public required IReadOnlyList<double> Balance { get; init; }

    /// <summary>Mean of |predicted − measured| / measured of the layers' seconds; null before anything was measured.</summary>
    public required double? PredictionError { get; init; }

    /// <summary>The last decisions, oldest first.</summary>
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

/// <summary>A decision of the director: what, why, and what came of it.</summary>
internal sealed record DecisionReport
{
    public required long Number { get; init; }

    /// <summary>The last step whose load it was made from.</summary>
    public required long Step { get; init; }

    /// <summary>landing, landed or given-up.</summary>
    public required string State { get; init; }

    /// <summary>The step after which it was in force or given up; null while it lands.</summary>
    public required long? ConcludedAt { get; init; }

    /// <summary>Why it was given up.</summary>
    public required string? Failure { get; init; }

    public required int ShardsMoved { get; init; }

    public required long BytesMoved { get; init; }

    /// <summary>Seconds that the copies took beside the steps.</summary>
    public required double CopySeconds { get; init; }

    /// <summary>Seconds that steps waited for them.</summary>
    public required double WaitSeconds { get; init; }

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
                DecisionState.Applying => "applying",
                DecisionState.Applied => "applied",
                _ => "abandoned",
            },
            ConcludedAt = decision.State == DecisionState.Applying ? null : decision.ConcludedAt,
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

/// <summary>What a decision of the director meant for one layer. Ratios are busiest worker over mean.</summary>
internal sealed record LayerDecisionReport
{
    public required int Layer { get; init; }

    /// <summary>As in "expert 3: silo-0 to silo-2".</summary>
    public required IReadOnlyList<string> Arrivals { get; init; }

    public required string Reason { get; init; }

    public required double RatioBefore { get; init; }

    public required double PredictedRatio { get; init; }

    /// <summary>Null before it is in force.</summary>
    public required double? MeasuredRatio { get; init; }

    /// <summary>Seconds of the slowest worker in exchange and experts of a step, as predicted.</summary>
    public required double PredictedSecondsBefore { get; init; }

    public required double PredictedSeconds { get; init; }

    /// <summary>The same as measured.</summary>
    public required double? MeasuredSecondsBefore { get; init; }

    public required double? MeasuredSeconds { get; init; }
}
