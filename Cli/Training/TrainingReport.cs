using System.Globalization;
using System.Text.Json;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Training;

/// <summary>Says how a run ended: words for a person, JSON for a program.</summary>
internal static class TrainingReport
{
    private const int DecisionsShown = 5;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

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
            AtomicFile.Write(file, JsonSerializer.Serialize(final, Indented));
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
