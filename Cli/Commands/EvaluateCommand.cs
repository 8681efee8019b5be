using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Client.Tokens;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Commands;

/// <summary>`moe evaluate`: the loss of a trained model on text.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        Option<string[]> text = SharedOptions.Text("what the run has kept for validation");
        Option<int> silos = NumberOption.Count("--silos", "Number of embedded silos; the loss does not depend on it.", 1, most: EmbeddedClusterOptions.MostSilos);
        Option<string?> tokenizer = SharedOptions.Tokenizer("the run's own");
        Option<string> device = SharedOptions.Device();
        Option<bool> json = SharedOptions.Json();
        Option<string?> connect = ConnectOption.Create();
        Command command = new("evaluate", "Measure the loss of a trained model on text that it was not trained on.") { text, tokenizer, silos, device, json, connect };
        CheckpointChoice choice = new CheckpointChoice().AddTo(command);
        return command.Runs(async (parsed, output, cancellation) =>
        {
            (RunFolder run, string folder) = choice.Of(parsed);
            ConnectOptions? connected = ConnectOption.Of(parsed, connect, choice.Runs(parsed));
            CheckpointFolder checkpoint = CheckpointChoice.Open(folder, output);
            TextReading reading = run.ReadRunFile()?.Reading ?? TextReading.Plain;
            reading = parsed.GetValue(tokenizer) is { } named ? reading.With(named) : reading;
            TextTokenizer tokens = reading.OpenFor(checkpoint.Run.Model, "the checkpoint");

            // Remarks on the text are no part of the result.
            CommandOutput remarks = output with { Out = output.Error };
            int length = checkpoint.Run.Model.MaximumSequence;
            ValidationText measured = parsed.GetValue(text) is { Length: > 0 } given
                ? TextSource.ReadAll(given, reading, remarks).Validation(length, atLeast: int.MaxValue)
                : Kept(run, remarks).Validation(length);
            await using CommandCluster cluster = await CommandCluster.OpenAsync(connected, parsed.GetValue(silos), SharedOptions.DeviceOf(parsed.GetRequiredValue(device)), output.Error.WriteLine, cancellation);
            EvaluationReport report = await cluster.WithModelAsync(
                "evaluate",
                name => cluster.Client.RestoreForInferenceAsync(name, Path.GetFullPath(folder), cancellationToken: cancellation),
                model => MeasureAsync(model, folder, measured.Batches, ofBytes: tokens == TextTokenizer.Bytes, cancellation));
            output.Out.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(report, SnakeCase.OneLine)
                : $"Step {report.Step:N0}: loss {report.Loss:0.000} nats per {tokens.Unit} ({report.BitsPerByte ?? report.BitsPerToken:0.000} bits) over {report.Bytes ?? report.Tokens:N0} {tokens.Unit}s.");
            return ExitCode.Done;
        });
    }

    private static async Task<EvaluationReport> MeasureAsync(
        MoEModel model, string folder, IReadOnlyList<MicroBatch> text, bool ofBytes, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        EvaluationOutcome loss = await model.EvaluateAsync(text, cancellation);
        var report = new EvaluationReport(Path.GetFullPath(folder), model.Step, loss.Loss, Stopwatch.GetElapsedTime(started).TotalSeconds);
        double bits = loss.Loss / Math.Log(2);
        return ofBytes ? report with { BitsPerByte = bits, Bytes = loss.Tokens } : report with { BitsPerToken = bits, Tokens = loss.Tokens };
    }

    /// <summary>The run's own text, a part of which it was never trained on.</summary>
    private static TextSource Kept(RunFolder run, CommandOutput remarks)
    {
        RunFile record = run.ReadRunFile() ?? throw new UsageException($"There is no run.json in {run.Path} to say what text was kept for validation; name text with --text.");
        TextSource text = TextSource.Read(record.Text, record.Reading, remarks);
        UsageException.ThrowUnless(
            text.Hash == record.TextHash,
            $"The text of {run.Name} has changed since the run began, so that it may be tested on what it was trained on; name text with --text.");
        return text;
    }
}

/// <summary>What `moe evaluate --json` prints: of a model whose tokens are bytes the figures of bytes, of another those of tokens.</summary>
/// <param name="Checkpoint">Folder of the checkpoint.</param>
/// <param name="Step">Steps that the model has been trained for.</param>
/// <param name="Loss">Mean cross-entropy, nats per token; of most models a token is a byte.</param>
/// <param name="Seconds">Time of the evaluation alone.</param>
internal sealed record EvaluationReport(string Checkpoint, long Step, double Loss, double Seconds)
{
    /// <summary>The loss in bits, where a token is a byte.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? BitsPerByte { get; init; }

    /// <summary>Bytes predicted, where a token is a byte.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Bytes { get; init; }

    /// <summary>The loss in bits, where a token is something else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? BitsPerToken { get; init; }

    /// <summary>Tokens predicted, where one is no byte.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Tokens { get; init; }
}
