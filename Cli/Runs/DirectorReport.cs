using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Cli.Runs;

/// <summary>What the director of a run sees and has done.</summary>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Balance">By layer: tokens of the busiest worker over the mean, in the last step seen; 1 for a dense layer.</param>
/// <param name="PredictionError">Mean of |predicted − measured| / measured of the layers' seconds; null before anything was measured.</param>
/// <param name="Decisions">The last decisions, oldest first.</param>
internal sealed record DirectorReport(
    string Policy, IReadOnlyList<double> Balance, double? PredictionError, IReadOnlyList<DecisionReport> Decisions)
{
    /// <summary>A director's status with the names of silos; null when there is no director.</summary>
    /// <param name="status">The status.</param>
    /// <param name="silos">Names by rank.</param>
    public static DirectorReport? Of(DirectorStatus status, IReadOnlyList<string> silos) => status.Settings is not { } settings
        ? null
        : new DirectorReport(
            settings.Policy, status.Ratios, status.PredictionError, [.. status.Decisions.Select(decision => DecisionReport.Of(decision, silos))]);
}

/// <summary>A decision of the director: what, why, and what came of it.</summary>
/// <param name="Number">Number of the decision.</param>
/// <param name="Step">The last step whose load it was made from.</param>
/// <param name="State">applying, applied or abandoned.</param>
/// <param name="ConcludedAt">The step after which it was in force or abandoned; null while it is being applied.</param>
/// <param name="Failure">Why it was abandoned.</param>
/// <param name="ShardsMoved">Experts moved or copied.</param>
/// <param name="BytesMoved">Bytes of them.</param>
/// <param name="CopySeconds">Seconds that the copies took beside the steps.</param>
/// <param name="WaitSeconds">Seconds that steps waited for them.</param>
/// <param name="Layers">What it meant for each layer.</param>
internal sealed record DecisionReport(
    long Number,
    long Step,
    string State,
    long? ConcludedAt,
    string? Failure,
    int ShardsMoved,
    long BytesMoved,
    double CopySeconds,
    double WaitSeconds,
    IReadOnlyList<LayerDecisionReport> Layers)
{
    /// <summary>The step that it is shown with, as its moves are: the one after which it was in force or abandoned; while it is being applied, the last one before it.</summary>
    [JsonIgnore]
    public long At => ConcludedAt ?? Step;

    /// <summary>A decision with the names of silos.</summary>
    /// <param name="decision">The decision.</param>
    /// <param name="silos">Names by rank.</param>
    public static DecisionReport Of(DirectorDecision decision, IReadOnlyList<string> silos)
    {
        string Name(int rank) => rank < silos.Count ? silos[rank] : $"rank {rank}";
        return new DecisionReport(
            decision.Number,
            decision.Step,
            decision.State switch { DecisionState.Applying => "applying", DecisionState.Applied => "applied", _ => "abandoned" },
            decision.State == DecisionState.Applying ? null : decision.ConcludedAt,
            decision.Failure,
            decision.ShardsMoved,
            decision.BytesMoved,
            decision.CopySeconds,
            decision.WaitSeconds,
            [
                .. decision.Layers.Select(layer => new LayerDecisionReport(
                    layer.Layer,
                    [.. layer.Arrivals.Select(move => $"expert {move.Expert}: {Name(move.From)} to {Name(move.To)}")],
                    layer.Reason,
                    layer.RatioBefore,
                    layer.PredictedRatio,
                    layer.MeasuredRatio,
                    layer.SecondsBefore,
                    layer.PredictedSeconds,
                    layer.MeasuredSecondsBefore,
                    layer.MeasuredSeconds)),
            ]);
    }

    /// <summary>
    /// In a short line: the mean unevenness of the layers that it changes before, the one expected or, if known, measured, and how many experts moved or were copied.
    /// </summary>
    public string InShort()
    {
        if (Layers.Count == 0)
        {
            return State;
        }

        string what = Layers.Sum(layer => layer.Arrivals.Count) switch { 0 => "giving up copies", 1 => "1 move", var moves => $"{moves} moves" };
        string where = Layers.Count == 1 ? $"in layer {Layers[0].Layer}" : $"in {Layers.Count} layers";
        if (Failure is not null)
        {
            return $"abandoned {what} {where}";
        }

        string expected = Layers.Any(layer => layer.MeasuredRatio is null) ? " expected" : "";
        double after = Layers.Average(layer => layer.MeasuredRatio ?? layer.PredictedRatio);
        return $"{Wording.Unevenness(Layers.Average(layer => layer.RatioBefore))} to {after:0.00}{expected} by {what} {where}";
    }

    /// <summary>As <see cref="InShort"/>, with what was expected and what was measured.</summary>
    public string WithEffect()
    {
        if (Failure is { } failure)
        {
            return $"{InShort()}: {failure}";
        }

        bool isMeasured = Layers.Count > 0 && Layers.All(layer => layer.MeasuredRatio is not null);
        return isMeasured ? $"{InShort()} ({Layers.Average(layer => layer.PredictedRatio):0.00} expected)" : $"{InShort()}, not measured";
    }

    /// <summary>In one line that leaves nothing out: what moved where, the unevenness that it was made for, and the one expected or, if known, measured.</summary>
    public override string ToString()
    {
        IEnumerable<string> layers = Layers.Select(layer =>
            $"layer {layer.Layer}, {Wording.Unevenness(layer.RatioBefore)} to {layer.MeasuredRatio ?? layer.PredictedRatio:0.00}{(layer.MeasuredRatio is null ? " expected" : "")} ({string.Join(", ", layer.Arrivals.DefaultIfEmpty("copies given up"))})");
        return $"{string.Join("; ", layers)}{(Failure is { } failure ? $" - given up: {failure}" : "")}";
    }
}

/// <summary>What a decision of the director meant for one layer. Ratios are busiest worker over mean.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Arrivals">As in "expert 3: silo-0 to silo-2".</param>
/// <param name="Reason">Why.</param>
/// <param name="RatioBefore">The ratio that it was made for.</param>
/// <param name="PredictedRatio">The ratio that it was to lead to.</param>
/// <param name="MeasuredRatio">The ratio that it has led to; null before it is in force.</param>
/// <param name="PredictedSecondsBefore">Seconds of the slowest worker in exchange and experts of a step without it, as predicted.</param>
/// <param name="PredictedSeconds">The same with it.</param>
/// <param name="MeasuredSecondsBefore">Seconds without it, as measured.</param>
/// <param name="MeasuredSeconds">The same with it.</param>
internal sealed record LayerDecisionReport(
    int Layer,
    IReadOnlyList<string> Arrivals,
    string Reason,
    double RatioBefore,
    double PredictedRatio,
    double? MeasuredRatio,
    double PredictedSecondsBefore,
    double PredictedSeconds,
    double? MeasuredSecondsBefore,
    double? MeasuredSeconds);
