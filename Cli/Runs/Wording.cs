using System.Globalization;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;

namespace MoEActors.Cli.Runs;

/// <summary>
/// The figures of a run in words for people who have read no paper, the same on the screen, in plain lines, in `moe status` and in reports.
/// docs/training.md explains each.
/// </summary>
internal static class Wording
{
    /// <summary>How far a run has come.</summary>
    public static string Step(long step, long? steps) => steps is > 0 and { } all ? $"step {step:N0}/{all:N0}" : $"step {step:N0}";

    /// <summary>A number of things: one step, two steps.</summary>
    public static string Count(long count, string what) => count == 1 ? $"1 {what}" : $"{count:N0} {what}s";

    /// <summary>A loss in nats per token; a dash while there is none.</summary>
    public static string Loss(double loss) => $"loss {Nats(loss)}";

    /// <summary>A number of nats. Large ones are short, what is no number is a dash.</summary>
    public static string Nats(double nats) => !double.IsFinite(nats) ? "-" : Math.Abs(nats) < 1000 ? $"{nats:0.000}" : $"{nats:0.0e+0}";

    public static string Speed(double tokensPerSecond) => double.IsFinite(tokensPerSecond) ? $"{tokensPerSecond:N0} tokens/s" : "- tokens/s";

    /// <summary>A learning rate with two significant digits, as people write numbers as long as it is short.</summary>
    public static string LearningRate(double rate)
    {
        if (rate is < 1e-6 or >= 1)
        {
            return $"learning rate {rate:0.0e+0}";
        }

        // Rounded first: 0.000999 has the digits of 0.0010.
        double rounded = double.Parse(rate.ToString("E1", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        int decimals = 1 - (int)Math.Floor(Math.Log10(rounded));
        return $"learning rate {rounded.ToString($"F{decimals}", CultureInfo.InvariantCulture)}";
    }

    /// <summary>Tokens of the busiest worker over the mean.</summary>
    public static string Unevenness(double ratio) => $"unevenness {ratio:0.00}";

    /// <summary>The same, and what it would be with the experts where they were when the run began.</summary>
    public static string Unevenness(double ratio, double withoutDirector) => $"{Unevenness(ratio)}; without the director {withoutDirector:0.00}";

    /// <summary>Between how many experts the routers are undecided: a router that gave all of n experts the same chance would have an entropy of ln n.</summary>
    /// <param name="entropy">Nats.</param>
    /// <param name="experts">Experts of a layer.</param>
    public static string Indecision(double entropy, double experts) => $"routers undecided between {Math.Exp(entropy):0.0} of {experts:0.#} experts";

    /// <summary>The choices of an expert that found it full.</summary>
    public static string Dropped(double share) => $"{share * 100:0.0}% of the choices found an expert full";

    /// <summary>What travels in a layer, to how many slices of an expert and how, and how many copies of experts that made.</summary>
    public static string Travels(LayerParallelism parallelism, int slices, AllToAll exchange, long copies)
    {
        string what = parallelism switch
        {
            LayerParallelism.Data => "experts travel",
            LayerParallelism.TransientCopies => "copies where faster",
            _ when slices > 1 => $"rows travel to {slices} slices",
            _ => "rows travel",
        };
        what += exchange == AllToAll.Hierarchical ? " hierarchically" : "";
        return copies == 0 ? what : $"{what}, {(copies == 1 ? "1 copy" : $"{copies:N0} copies")}";
    }

    public static string Gone(TimeSpan time) => $"{Clock(time)} gone";

    public static string ToGo(TimeSpan time) => $"{Clock(time)} to go";

    private static string Clock(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}" : $"{time.Minutes}:{time.Seconds:00}";
}
