using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Training;

/// <summary>Reports how a run ended: as text, and as JSON.</summary>
internal static class TrainingReport
{
    private const int DecisionsShown = 5;

    private const int SampleMargin = 4;

    /// <summary>Runs a job, prints its result, and writes the file if one is wanted.</summary>
    public static async Task<int> RunAsync(TrainingJob job, string? file, CommandOutput output, CancellationToken cancellation)
    {
        TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
        TrainingResult final = result with { Seconds = (DateTime.UtcNow - ProcessStart.Utc).TotalSeconds };
        output.Out.WriteLine();
        string steps = final.ResumedAt is { } resumed ? $"{Wording.Count(final.Steps, "step")}, the last {final.Steps - resumed:N0} of them" : Wording.Count(final.Steps, "step");
        output.Out.WriteLine($"Trained {final.Parameters:N0} parameters for {steps} on {Wording.Count(final.Silos, "silo")}, {final.TokensPerSecond:N0} tokens/s.");
        if (final.Ending is { } ending)
        {
            output.Out.WriteLine($"The run {ending}.");
        }

        string unit = job.Text.Tokenizer.Unit;
        output.Out.WriteLine($"Validation loss  {final.ValidationLoss:0.000} nats per {unit} over {final.ValidationBytes:N0} {unit}s never trained on");
        output.Out.WriteLine($"{char.ToUpperInvariant(unit[0])}{unit[1..]} frequencies {final.UnigramLoss:0.000} is what knowing only how often each {unit} occurs gives");
        if (final.Director is { } director)
        {
            Write(final, director, output.Out);
        }

        output.Out.WriteLine();
        output.Out.WriteLine("A sample of what it writes:");
        output.Out.WriteLine();
        foreach (string line in final.Sample.Split('\n'))
        {
            output.Out.WriteLine(string.Join('\n', WordWrap.Lines(line, output.Columns - SampleMargin, int.MaxValue).Select(part => $"{new string(' ', SampleMargin)}{VisibleText.OfName(part)}")));
        }

        output.Out.WriteLine();
        output.Out.WriteLine($"Checkpoint: {Path.GetRelativePath(Environment.CurrentDirectory, final.Checkpoint)} (safetensors, Hugging Face layout)");
        output.Out.WriteLine($"Done in {final.Seconds:0} s.");
        if (file is not null)
        {
            await OutputFile.WriteAsync(file, JsonSerializer.Serialize(final, SnakeCase.Indented), output, cancellation);
        }

        return ExitCode.Done;
    }

    /// <summary>What the director did, and how level the load is now.</summary>
    private static void Write(TrainingResult final, DirectorReport director, TextWriter writer)
    {
        writer.WriteLine();
        string since = final.ResumedAt is { } resumed ? $"Since step {resumed:N0}, the" : "The";
        long decisions = director.Decisions is [.., { } last] ? last.Number - final.EarlierDecisions : 0;
        writer.WriteLine($"{since} director moved or copied experts {Wording.Count(final.ShardsMoved, "time")}, by {Wording.Count(decisions, "decision")}.");
        writer.WriteLine($"Mean {Wording.Unevenness(final.Balance, final.BalanceAsBegun)}; 1.00 would be even.");
        if (director.PredictionError is { } error)
        {
            writer.WriteLine($"Its cost model is {error * 100:0}% from the measured seconds of a layer.");
        }

        foreach (DecisionReport decision in director.Decisions.Where(one => one.Number > final.EarlierDecisions).TakeLast(DecisionsShown))
        {
            writer.WriteLine($"  after step {decision.At:N0}: {decision.InShort()}");
        }
    }
}

/// <summary>What a run came to.</summary>
/// <param name="Silos">Number of silos.</param>
/// <param name="Steps">Committed steps.</param>
/// <param name="ResumedAt">The step that the run went on from; null when it began here. Training seconds and tokens, moves and balance are those since then.</param>
/// <param name="Seconds">From the start of the process until this was written.</param>
/// <param name="TrainingSeconds">From the first batch to the last commit.</param>
/// <param name="TrainingTokens">Tokens of those steps.</param>
/// <param name="TokensPerSecond">Training tokens over training time.</param>
/// <param name="TrainingLoss">Cross-entropy of the last step, nats per token; null when nothing was left to do.</param>
/// <param name="RouterEntropy">Mean over layers of the routers' entropy in the last step, nats; null without gates.</param>
/// <param name="DroppedShare">Share of the last step's choices of an expert that found no slot.</param>
/// <param name="ValidationLoss">Cross-entropy over the fixed validation text, nats per token.</param>
/// <param name="ValidationBytes">Tokens predicted in it; of most models they are bytes.</param>
/// <param name="UnigramLoss">The same of a model that knows only how often each token occurs.</param>
/// <param name="ShardsMoved">Experts that the director moved or copied.</param>
/// <param name="Balance">Tokens of the busiest worker over the mean: mean over layers and steps.</param>
/// <param name="BalanceAsBegun">The same if experts had stayed where they were when the run began.</param>
/// <param name="Director">What the director saw and did, before the run was stopped too; null without one.</param>
/// <param name="EarlierDecisions">Its decisions before the run was stopped.</param>
/// <param name="Parameters">Number of parameters.</param>
/// <param name="Fingerprint">Hash of all parameters, bit for bit.</param>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Sample">Generated text, the prompt included.</param>
/// <param name="Ending">Why the run ended before its last step; null when it did not, or ran out of time.</param>
internal sealed record TrainingResult(
    int Silos,
    long Steps,
    long? ResumedAt,
    double Seconds,
    double TrainingSeconds,
    long TrainingTokens,
    double TokensPerSecond,
    double? TrainingLoss,
    double? RouterEntropy,
    double DroppedShare,
    double ValidationLoss,
    long ValidationBytes,
    double UnigramLoss,
    int ShardsMoved,
    double Balance,
    double BalanceAsBegun,
    DirectorReport? Director,
    long EarlierDecisions,
    long Parameters,
    string Fingerprint,
    string Checkpoint,
    string Sample,
    string? Ending);

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
