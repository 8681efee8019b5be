using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Training;

/// <summary>Reports how a run ended: as text, and as JSON.</summary>
internal static class TrainingReport
{
    private const int DecisionsShown = 5;

    /// <summary>Prints the result and writes the file if one is wanted.</summary>
    public static void Write(TrainingResult result, string? file, CommandOutput output)
    {
        TrainingResult final = result with { Seconds = (DateTime.UtcNow - ProcessStart.Utc).TotalSeconds };
        CultureInfo culture = CultureInfo.InvariantCulture;
        output.Out.WriteLine();
        output.Out.WriteLine(string.Create(culture, $"Trained {final.Parameters:N0} parameters for {final.Steps:N0} steps on {final.Silos} silos, {final.TokensPerSecond:N0} tokens/s."));
        output.Out.WriteLine(string.Create(culture, $"Validation loss  {final.ValidationLoss:0.000} nats per byte over {final.ValidationBytes:N0} bytes never trained on"));
        output.Out.WriteLine(string.Create(culture, $"Unigram model    {final.UnigramLoss:0.000}"));
        if (final.Director is { } director)
        {
            Write(final, director, output.Out);
        }

        output.Out.WriteLine();
        output.Out.WriteLine("A sample of what it writes:");
        output.Out.WriteLine();
        foreach (string line in final.Sample.Split('\n'))
        {
            output.Out.WriteLine($"    {line.TrimEnd()}");
        }

        output.Out.WriteLine();
        output.Out.WriteLine($"Checkpoint: {Path.GetRelativePath(Environment.CurrentDirectory, final.Checkpoint)} (safetensors, Hugging Face layout)");
        output.Out.WriteLine(string.Create(culture, $"Done in {final.Seconds:0} s."));
        if (file is not null)
        {
            AtomicFile.Write(file, JsonSerializer.Serialize(final, SnakeCase.Indented));
        }
    }

    /// <summary>What the director did, and how level the load is now.</summary>
    private static void Write(TrainingResult final, DirectorReport director, TextWriter writer)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        writer.WriteLine();
        writer.WriteLine(string.Create(culture, $"The director moved or copied experts {final.ShardsMoved} times, by {(director.Decisions is [.., { } last] ? last.Number : 0)} decisions."));
        writer.WriteLine(string.Create(culture, $"Its balance, busiest worker over mean, was {final.Balance:0.00} on average; it would have been {final.BalanceAsBegun:0.00} where experts began."));
        if (director.PredictionError is { } error)
        {
            writer.WriteLine(string.Create(culture, $"Its cost model is {error * 100:0}% from the measured seconds of a layer."));
        }

        foreach (DecisionReport decision in director.Decisions.TakeLast(DecisionsShown))
        {
            writer.WriteLine(string.Create(culture, $"  after step {decision.Step:N0}: {decision}"));
        }
    }
}

/// <summary>What a run came to.</summary>
internal sealed record TrainingResult
{
    public required int Silos { get; init; }

    /// <summary>Committed steps.</summary>
    public required long Steps { get; init; }

    /// <summary>From the start of the process until this was written.</summary>
    public required double Seconds { get; init; }

    /// <summary>From the first batch to the last commit.</summary>
    public required double TrainingSeconds { get; init; }

    public required long TrainingTokens { get; init; }

    /// <summary>Training tokens over training time.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Cross-entropy of the last step, nats per byte.</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>Mean over layers of the routers' entropy in the last step, nats; null without gates.</summary>
    public required double? RouterEntropy { get; init; }

    /// <summary>Share of the last step's choices of an expert that found no slot.</summary>
    public required double DroppedShare { get; init; }

    /// <summary>Cross-entropy over the fixed validation windows, nats per byte.</summary>
    public required double ValidationLoss { get; init; }

    public required long ValidationBytes { get; init; }

    /// <summary>The same of a model that knows only how often each byte occurs.</summary>
    public required double UnigramLoss { get; init; }

    /// <summary>Experts that the director moved or copied.</summary>
    public required int ShardsMoved { get; init; }

    /// <summary>Tokens of the busiest worker over the mean: mean over layers and steps.</summary>
    public required double Balance { get; init; }

    /// <summary>The same if experts had stayed where they were when the run began.</summary>
    public required double BalanceAsBegun { get; init; }

    /// <summary>What the director saw and did; null without one.</summary>
    public required DirectorReport? Director { get; init; }

    public required long Parameters { get; init; }

    /// <summary>Hash of all parameters, bit for bit.</summary>
    public required string Fingerprint { get; init; }

    public required string Checkpoint { get; init; }

    /// <summary>Generated text, the prompt included.</summary>
    public required string Sample { get; init; }
}

/// <summary>When this program began.</summary>
internal static class ProcessStart
{
    /// <summary>Milliseconds since 1970 at which the `moe` script handed over to the program.</summary>
    private const string HandedOver = "MOE_HANDED_OVER";

    /// <summary>
    /// The start of the process; behind the `moe` script, the moment at which it became this program: the script runs in the same process and may have
    /// built for a minute before that.
    /// </summary>
    public static DateTime Utc
    {
        get
        {
            DateTime process = Process.GetCurrentProcess().StartTime.ToUniversalTime();
            string? text = Environment.GetEnvironmentVariable(HandedOver);
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds))
            {
                return process;
            }

            DateTime handed = DateTime.UnixEpoch.AddMilliseconds(milliseconds);
            return handed > process && handed < DateTime.UtcNow ? handed : process;
        }
    }
}
