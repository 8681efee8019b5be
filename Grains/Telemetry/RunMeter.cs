using System.Diagnostics.Metrics;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Telemetry;

/// <summary>What coordinators and directors measure of runs: instruments of the meter <c>MoEActors</c>, all tagged with the model. No tag grows with the number of experts.</summary>
internal static class RunMeter
{
    private static readonly Meter Meter = new("MoEActors");

    private static readonly Counter<long> Steps = Meter.CreateCounter<long>("moe.steps", "{step}", "Committed steps.");
    private static readonly Counter<long> Aborts = Meter.CreateCounter<long>("moe.steps.aborted", "{step}", "Steps that were not applied.");
    private static readonly Histogram<double> StepSeconds =
        Meter.CreateHistogram<double>("moe.step.duration", "s", "From the first command of a step to its decision.");

    private static readonly Histogram<double> PhaseSeconds =
        Meter.CreateHistogram<double>("moe.step.phase.duration", "s", "What a worker spent in each phase of a step, mean over the workers.");

    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("moe.tokens", "{token}", "Tokens learnt.");
    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>("moe.tokens.dropped", "{token}", "Choices of tokens that found no slot.");
    private static readonly Counter<long> Exchanged =
        Meter.CreateCounter<long>("moe.exchange.sent", "By", "Rows that workers sent each other, forward and backward.");

    private static readonly Gauge<double> Loss = Meter.CreateGauge<double>("moe.loss", "nat", "Loss of the last step, auxiliary losses included.");
    private static readonly Gauge<double> Norm = Meter.CreateGauge<double>("moe.gradient.norm", "1", "Norm of the last gradient before clipping.");
    private static readonly Gauge<double> BalanceRatio =
        Meter.CreateGauge<double>("moe.balance.ratio", "1", "Load of the busiest worker over the mean, by layer, as the director sees it.");

    private static readonly Gauge<double> PredictionError =
        Meter.CreateGauge<double>("moe.director.prediction.error", "1", "Mean relative error of the director's predicted seconds.");

    private static readonly Counter<long> Views = Meter.CreateCounter<long>("moe.views.opened", "{view}", "Views of new members.");
    private static readonly Counter<long> ViewsEnded = Meter.CreateCounter<long>("moe.views.ended", "{view}", "Views that a failure has ended.");
    private static readonly Histogram<double> RecoverySeconds =
        Meter.CreateHistogram<double>("moe.recovery.duration", "s", "What it took to compute again what was lost with a silo.");

    private static readonly Counter<long> StepsRepeated = Meter.CreateCounter<long>("moe.recovery.steps", "{step}", "Steps that were learnt again.");
    private static readonly Counter<long> Changes =
        Meter.CreateCounter<long>("moe.placement.changes", "{change}", "Changes of placement, committed or abandoned.");

    private static readonly Counter<long> Shards = Meter.CreateCounter<long>("moe.placement.shards.moved", "{shard}", "Shards that came to another worker.");
    private static readonly Histogram<double> CheckpointSeconds =
        Meter.CreateHistogram<double>("moe.checkpoint.duration", "s", "What it took to write a checkpoint, or to fail at it.");

    private static readonly Counter<long> CheckpointBytes = Meter.CreateCounter<long>("moe.checkpoint.size", "By", "Tensors written to checkpoints.");

    public static void Recovered(string model, double seconds, long steps)
    {
        KeyValuePair<string, object?> tag = new("model", model);
        RecoverySeconds.Record(seconds, tag);
        StepsRepeated.Add(steps, tag);
    }

    public static void Committed(string model, StepOutcome outcome)
    {
        KeyValuePair<string, object?> tag = new("model", model);
        Steps.Add(1, tag);
        StepSeconds.Record(outcome.Seconds, tag);
        Tokens.Add(outcome.Tokens, tag);
        Exchanged.Add(outcome.ExchangeBytes, tag);
        Loss.Record(outcome.Loss, tag);
        Norm.Record(outcome.GradientNorm, tag);
        if (PhaseSeconds.Enabled)
        {
            Record(outcome.MeanPhases, tag);
        }

        if (Dropped.Enabled)
        {
            for (int layer = 0; layer < outcome.KeptTokens.Length; layer++)
            {
                Dropped.Add(outcome.ChosenTokens[layer].Sum() - outcome.KeptTokens[layer].Sum(), tag, new("layer", layer));
            }
        }
    }

    public static void Aborted(string model, string cause) => Aborts.Add(1, new("model", model), new("cause", cause));

    public static void Watched(string model, double[] ratios, double? predictionError)
    {
        if (BalanceRatio.Enabled)
        {
            for (int layer = 0; layer < ratios.Length; layer++)
            {
                BalanceRatio.Record(ratios[layer], new("model", model), new("layer", layer));
            }
        }

        if (predictionError is { } error)
        {
            PredictionError.Record(error, new KeyValuePair<string, object?>("model", model));
        }
    }

    public static void ViewOpened(string model) => Views.Add(1, new KeyValuePair<string, object?>("model", model));

    public static void ViewEnded(string model) => ViewsEnded.Add(1, new KeyValuePair<string, object?>("model", model));

    public static void PlacementChanged(string model, int shards, bool committed)
    {
        Changes.Add(1, new("model", model), Outcome(committed ? "committed" : "abandoned"));
        if (committed)
        {
            Shards.Add(shards, new KeyValuePair<string, object?>("model", model));
        }
    }

    public static void Saved(string model, double seconds, long? bytes)
    {
        CheckpointSeconds.Record(seconds, new("model", model), Outcome(bytes is null ? "failed" : "written"));
        CheckpointBytes.Add(bytes ?? 0, new KeyValuePair<string, object?>("model", model));
    }

    private static KeyValuePair<string, object?> Outcome(string outcome) => new("outcome", outcome);

    private static void Record(PhaseSeconds seconds, KeyValuePair<string, object?> tag)
    {
        PhaseSeconds.Record(seconds.Idle, tag, new("phase", "idle"));
        PhaseSeconds.Record(seconds.Experts, tag, new("phase", "experts"));
        PhaseSeconds.Record(seconds.Attention, tag, new("phase", "attention"));
        PhaseSeconds.Record(seconds.Gate, tag, new("phase", "gate"));
        PhaseSeconds.Record(seconds.Exchange, tag, new("phase", "exchange"));
        PhaseSeconds.Record(seconds.Dense, tag, new("phase", "dense"));
        PhaseSeconds.Record(seconds.Gradients, tag, new("phase", "gradients"));
        PhaseSeconds.Record(seconds.Update, tag, new("phase", "update"));
    }
}
