using System.Diagnostics.Metrics;
using System.Globalization;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Telemetry;

/// <summary>
/// What coordinators count and time: instruments of the meter <c>MoEActors</c>, all tagged with the model. Their series stay few however many experts there are
/// (<see cref="MostExpertSeries"/>); how runs stand now is for <see cref="RunGauges"/> to say.
/// </summary>
internal static class RunMeter
{
    /// <summary>Series of a model that tell experts apart, at most: where there are more experts, neighbours share one.</summary>
    public const int MostExpertSeries = 512;

    /// <summary>The meter.</summary>
    public static readonly Meter Meter = new("MoEActors");

    private static readonly InstrumentAdvice<double> StepBuckets =
        new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] };

    private static readonly InstrumentAdvice<double> LongBuckets = new() { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] };

    private static readonly string[] Causes = ["nonfinite", "member", "memory", "pass", "other"];

    private static readonly Counter<long> Steps = Meter.CreateCounter<long>("moe.steps", "{step}", "Committed steps.");
    private static readonly Counter<long> Aborts = Meter.CreateCounter<long>("moe.steps.aborted", "{step}", "Steps that were not applied.");
    private static readonly Histogram<double> StepSeconds =
        Meter.CreateHistogram("moe.step.duration", "s", "From the first command of a step to its decision.", tags: null, StepBuckets);

    private static readonly Histogram<double> PhaseSeconds =
        Meter.CreateHistogram("moe.step.phase.duration", "s", "What a worker spent in each phase of a step, mean over the workers.", tags: null, StepBuckets);

    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("moe.tokens", "{token}", "Tokens learnt.");
    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>("moe.tokens.dropped", "{token}", "Choices of tokens that found no slot.");
    private static readonly Counter<long> ExpertTokens =
        Meter.CreateCounter<long>("moe.expert.tokens", "{token}", "Tokens that reached an expert.");

    private static readonly Counter<long> Exchanged =
        Meter.CreateCounter<long>("moe.exchange.sent", "By", "Rows that workers sent each other, forward and backward.");

    private static readonly Counter<long> Views = Meter.CreateCounter<long>("moe.views.opened", "{view}", "Views of new members.");
    private static readonly Counter<long> ViewsEnded = Meter.CreateCounter<long>("moe.views.ended", "{view}", "Views that a failure has ended.");
    private static readonly Histogram<double> RecoverySeconds =
        Meter.CreateHistogram("moe.recovery.duration", "s", "What it took to compute again what was lost with a silo.", tags: null, LongBuckets);

    private static readonly Counter<long> StepsRepeated = Meter.CreateCounter<long>("moe.recovery.steps", "{step}", "Steps that were learnt again.");
    private static readonly Counter<long> Changes =
        Meter.CreateCounter<long>("moe.placement.changes", "{change}", "Changes of placement, committed or abandoned.");

    private static readonly Counter<long> Shards = Meter.CreateCounter<long>("moe.placement.shards.moved", "{shard}", "Shards that came to another worker.");
    private static readonly Histogram<double> CheckpointSeconds =
        Meter.CreateHistogram("moe.checkpoint.duration", "s", "What it took to write a checkpoint, or to fail at it.", tags: null, LongBuckets);

    private static readonly Counter<long> CheckpointBytes = Meter.CreateCounter<long>("moe.checkpoint.size", "By", "Tensors written to checkpoints.");

    /// <summary>A coordinator begins: what may never happen is shown as a zero, from which a rate can be taken when it does.</summary>
    public static void Begin(string model)
    {
        KeyValuePair<string, object?> tag = Tag(model);
        foreach (Counter<long> counter in new[] { Steps, Tokens, Exchanged, Views, ViewsEnded, StepsRepeated, Shards, CheckpointBytes })
        {
            counter.Add(0, tag);
        }

        Array.ForEach(Causes, cause => Aborts.Add(0, tag, new("cause", cause)));
        Changes.Add(0, tag, Outcome("committed"));
        Changes.Add(0, tag, Outcome("abandoned"));
    }

    public static void Recovered(string model, double seconds, long steps)
    {
        KeyValuePair<string, object?> tag = Tag(model);
        RecoverySeconds.Record(seconds, tag);
        StepsRepeated.Add(steps, tag);
    }

    public static void Committed(string model, StepOutcome outcome)
    {
        KeyValuePair<string, object?> tag = Tag(model);
        Steps.Add(1, tag);
        StepSeconds.Record(outcome.Seconds, tag);
        Tokens.Add(outcome.Tokens, tag);
        Exchanged.Add(outcome.ExchangeBytes, tag);
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

        if (ExpertTokens.Enabled)
        {
            Record(outcome.KeptTokens, tag);
        }
    }

    public static void Aborted(string model, string cause) => Aborts.Add(1, Tag(model), new("cause", cause));

    public static void ViewOpened(string model) => Views.Add(1, Tag(model));

    public static void ViewEnded(string model) => ViewsEnded.Add(1, Tag(model));

    public static void PlacementChanged(string model, int shards, bool committed)
    {
        Changes.Add(1, Tag(model), Outcome(committed ? "committed" : "abandoned"));
        if (committed)
        {
            Shards.Add(shards, Tag(model));
        }
    }

    public static void Saved(string model, double seconds, long? bytes)
    {
        CheckpointSeconds.Record(seconds, Tag(model), Outcome(bytes is null ? "failed" : "written"));
        CheckpointBytes.Add(bytes ?? 0, Tag(model));
    }

    private static KeyValuePair<string, object?> Tag(string model) => new("model", model);

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

    /// <summary>Counts the tokens of experts, or of groups of neighbours that are as small as can be and equal in all layers.</summary>
    private static void Record(long[][] tokens, KeyValuePair<string, object?> tag)
    {
        int size = GroupSize(tokens.Select(layer => layer.Length));
        for (int layer = 0; layer < tokens.Length; layer++)
        {
            for (int first = 0; first < tokens[layer].Length; first += size)
            {
                int last = Math.Min(first + size, tokens[layer].Length) - 1;
                long sum = 0;
                for (int expert = first; expert <= last; expert++)
                {
                    sum += tokens[layer][expert];
                }

                ExpertTokens.Add(sum, tag, new("layer", layer), new("expert", size == 1 ? first : string.Create(CultureInfo.InvariantCulture, $"{first}-{last}")));
            }
        }
    }

    /// <summary>How many neighbouring experts share a series: 1, or the least power of two with which there are no more than <see cref="MostExpertSeries"/>.</summary>
    /// <param name="experts">Experts of each layer.</param>
    internal static int GroupSize(IEnumerable<int> experts)
    {
        int[] layers = [.. experts];
        int size = 1;
        while (size < layers.DefaultIfEmpty().Max() && layers.Sum(layer => (layer + size - 1) / size) > MostExpertSeries)
        {
            size *= 2;
        }

        return size;
    }
}
