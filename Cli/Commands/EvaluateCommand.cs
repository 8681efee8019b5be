using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Client.Data;
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
        Option<string> device = SharedOptions.Device();
        Option<bool> json = SharedOptions.Json();
        Option<string?> connect = ConnectOption.Create();
        Command command = new("evaluate", "Measure the loss of a trained model on text that it was not trained on.") { text, silos, device, json, connect };
        CheckpointChoice choice = new CheckpointChoice().AddTo(command);
        return command.Runs(async (parsed, output, cancellation) =>
        {
            (RunFolder run, string folder) = choice.Of(parsed);
            ConnectOptions? connected = ConnectOption.Of(parsed, connect, choice.Runs(parsed));
            CheckpointFolder checkpoint = CheckpointChoice.Open(folder, output);
            CheckpointChoice.RequireBytes(checkpoint, folder);

            // Remarks on the text are no part of the result.
            CommandOutput remarks = output with { Out = output.Error };
            int length = checkpoint.Run.Model.MaximumSequence;
            IReadOnlyList<ReadOnlyMemory<byte>> windows = parsed.GetValue(text) is { Length: > 0 } given
                ? TextSource.ReadAll(given, remarks).ValidationWindows(length, atLeastBytes: int.MaxValue)
                : Kept(run, remarks).ValidationWindows(length);
            await using CommandCluster cluster = await CommandCluster.OpenAsync(connected, parsed.GetValue(silos), SharedOptions.DeviceOf(parsed.GetRequiredValue(device)), output.Error.WriteLine, cancellation);
            EvaluationReport report = await cluster.WithModelAsync(
                "evaluate",
                name => cluster.Client.RestoreForInferenceAsync(name, Path.GetFullPath(folder), cancellationToken: cancellation),
                model => MeasureAsync(model, folder, windows, cancellation));
            output.Out.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(report, SnakeCase.OneLine)
                : $"Step {report.Step:N0}: loss {report.Loss:0.000} nats per byte ({report.BitsPerByte:0.000} bits) over {report.Bytes:N0} bytes.");
            return ExitCode.Done;
        });
    }

    private static async Task<EvaluationReport> MeasureAsync(
        MoEModel model, string folder, IReadOnlyList<ReadOnlyMemory<byte>> windows, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        EvaluationOutcome loss = await Validation.LossAsync(model, windows, cancellation);
        return new EvaluationReport(
            Path.GetFullPath(folder), model.Step, loss.Loss, loss.Loss / Math.Log(2), loss.Tokens, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>The run's own text, a part of which it was never trained on.</summary>
    private static ByteCorpus Kept(RunFolder run, CommandOutput remarks)
    {
        RunFile record = run.ReadRunFile() ?? throw new UsageException($"There is no run.json in {run.Path} to say what text was kept for validation; name text with --text.");
        TextSource text = TextSource.Read(record.Text, remarks);
        UsageException.ThrowUnless(
            text.Hash == record.TextHash,
            $"The text of {run.Name} has changed since the run began, so that it may be tested on what it was trained on; name text with --text.");
        return text.Corpus;
    }
}

/// <summary>What `moe evaluate --json` prints.</summary>
/// <param name="Checkpoint">Folder of the checkpoint.</param>
/// <param name="Step">Steps that the model has been trained for.</param>
/// <param name="Loss">Mean cross-entropy, nats per byte.</param>
/// <param name="BitsPerByte">The same in bits.</param>
/// <param name="Bytes">Bytes predicted.</param>
/// <param name="Seconds">Time of the evaluation alone.</param>
internal sealed record EvaluationReport(string Checkpoint, long Step, double Loss, double BitsPerByte, long Bytes, double Seconds);
