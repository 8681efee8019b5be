using System.Diagnostics.Metrics;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Telemetry;

/// <summary>Gauges of the meter <c>MoEActors</c>: how the runs stand whose coordinators and directors are in this process. Nothing is computed until somebody reads them.</summary>
internal static class RunGauges
{
    private static readonly Meter Meter = RunMeter.Meter;

    static RunGauges()
    {
        Observe<long>("moe.step.last", "{step}", "Committed steps of the run.", run => [new(run.Step)]);
        Observe<long>("moe.snapshot.age", "{step}", "Committed steps that no snapshot has: they would be learnt again if a silo died.", run =>
            run.SnapshotAge is { } age ? [new(age)] : []);
        Observe<double>("moe.loss", "nat", "Loss of the last step, auxiliary losses included.", run => OfLast(run, step => step.Loss));
        Observe<double>("moe.gradient.norm", "1", "Norm of the last gradient before clipping.", run => OfLast(run, step => step.GradientNorm));
        Observe<double>("moe.expert.load.ratio", "1", "Tokens of the busiest expert of a layer over the mean, in the load window.", run =>
            OfLayers(run, step => step.KeptTokens, tokens => tokens.Sum() is > 0 and long all ? (double)tokens.Max() * tokens.Length / all : 1));
        Observe<double>("moe.experts.dead", "{expert}", "Experts of a layer that no token of the load window has chosen.", run =>
            OfLayers(run, step => step.ChosenTokens, tokens => tokens.Count(one => one == 0)));
        Meter.CreateObservableGauge(
            "moe.balance.ratio", () => LiveRuns.AllWatched.SelectMany(watched => watched.Value.Ratios.Select((ratio, layer) =>
                new Measurement<double>(ratio, Tag(watched.Key), new("layer", layer)))),
            "1", "Load of the busiest worker over the mean, by layer, as the director sees it.");
        Meter.CreateObservableGauge(
            "moe.director.prediction.error", () => LiveRuns.AllWatched.Where(watched => watched.Value.PredictionError is not null).Select(watched =>
                new Measurement<double>(watched.Value.PredictionError!.Value, Tag(watched.Key))),
            "1", "Mean relative error of the director's predicted seconds.");
    }

    /// <summary>Makes the gauges, once.</summary>
    public static void Show()
    {
    }

    private static KeyValuePair<string, object?> Tag(string model) => new("model", model);

    /// <summary>Adds a gauge of every run.</summary>
    private static void Observe<T>(string name, string unit, string description, Func<LiveRun, IEnumerable<Reading<T>>> read)
        where T : struct => Meter.CreateObservableGauge(
            name, () => LiveRuns.All.SelectMany(run => read(run.Value).Select(reading =>
                reading.Layer is { } layer ? new Measurement<T>(reading.Value, Tag(run.Key), new("layer", layer)) : new Measurement<T>(reading.Value, Tag(run.Key)))),
            unit, description);

    private static IEnumerable<Reading<double>> OfLast(LiveRun run, Func<StepOutcome, double> value) => run.Window is [.., var last] ? [new(value(last))] : [];

    /// <summary>A value of each layer that has experts, from its tokens of the load window.</summary>
    private static IEnumerable<Reading<double>> OfLayers(LiveRun run, Func<StepOutcome, long[][]> tokens, Func<long[], double> value)
    {
        IReadOnlyList<StepOutcome> window = run.Window;
        return
            from layer in Enumerable.Range(0, window.Count == 0 ? 0 : tokens(window[0]).Length)
            where tokens(window[0])[layer].Length > 0
            let sums = Enumerable.Range(0, tokens(window[0])[layer].Length).Select(expert => window.Sum(step => tokens(step)[layer][expert])).ToArray()
            select new Reading<double>(value(sums), layer);
    }

    private readonly record struct Reading<T>(T Value, int? Layer = null);
}
