using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Runs;
using MoEActors.Client.Connections;
using MoEActors.Client.Tokens;

namespace MoEActors.Cli.Commands;

/// <summary>`moe generate`: a trained model writes.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Option<string> prompt = TextOption.WithDefault("--prompt", "TEXT", "What the text begins with.", TrainCommand.Prompt);
        Option<int> tokens = NumberOption.Count("--tokens", "Tokens to add at most; of most models they are bytes.", 240);
        Option<float> temperature =
            NumberOption.NotNegative("--temperature", "Divides the logits: the higher, the bolder; 0 takes the most likely byte.", 0.7f);
        Option<long> seed = NumberOption.Seed();
        Option<string?> named = SharedOptions.Tokenizer("the run's own");
        Option<string> device = SharedOptions.Device();
        Option<bool> json = SharedOptions.Json();
        Option<string?> connect = ConnectOption.Create();
        Command command = new("generate", "Let a trained model continue a text.") { prompt, tokens, temperature, seed, named, device, json, connect };
        CheckpointChoice choice = new CheckpointChoice().AddTo(command);
        return command.Runs(async (parsed, output, cancellation) =>
        {
            ConnectOptions? connected = ConnectOption.Of(parsed, connect, choice.Runs(parsed));
            (RunFolder run, string folder) = choice.Of(parsed);
            string beginning = parsed.GetRequiredValue(prompt);
            (int count, float boldness, long draws) = (parsed.GetValue(tokens), parsed.GetValue(temperature), parsed.GetValue(seed));
            UsageException.ThrowUnless(beginning.Length > 0, "--prompt is empty; a text needs a beginning.");
            TextTokenizer tokenizer = CheckpointChoice.TokenizerOf(parsed.GetValue(named), run, CheckpointChoice.Open(folder, output));
            await using CommandCluster cluster = await CommandCluster.OpenAsync(connected, silos: 1, SharedOptions.DeviceOf(parsed.GetRequiredValue(device)), output.Error.WriteLine, cancellation);
            TextWriter live = parsed.GetValue(json) ? TextWriter.Null : output.Out;
            GenerationReport report = await cluster.WithModelAsync(
                "generate",
                name => cluster.Client.RestoreForInferenceAsync(name, Path.GetFullPath(folder), cancellationToken: cancellation),
                async model =>
                {
                    long started = Stopwatch.GetTimestamp();
                    string text = await WriteAsync(beginning, model.GenerateTextAsync(beginning, count, boldness, (ulong)draws, tokenizer, cancellation), live);
                    return new GenerationReport(
                        Path.GetFullPath(folder), model.Step, beginning, text, count, boldness, draws, Stopwatch.GetElapsedTime(started).TotalSeconds);
                });
            live.WriteLine();
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
            }

            return ExitCode.Done;
        });
    }

    private static async Task<string> WriteAsync(string prompt, IAsyncEnumerable<string> pieces, TextWriter live)
    {
        live.Write(prompt);
        var text = new StringBuilder(prompt);
        await foreach (string piece in pieces)
        {
            text.Append(piece);
            live.Write(piece);
            live.Flush();
        }

        return text.ToString();
    }
}

/// <summary>What `moe generate --json` prints.</summary>
/// <param name="Checkpoint">Folder of the checkpoint.</param>
/// <param name="Step">Steps that the model has been trained for.</param>
/// <param name="Prompt">What the text begins with.</param>
/// <param name="Text">The text, the prompt included.</param>
/// <param name="Tokens">Tokens that were asked for behind the prompt; a token of a byte-level model is a byte. A text that ends has fewer.</param>
/// <param name="Temperature">Divides the logits; 0 takes the most likely token.</param>
/// <param name="Seed">Seed of the draws.</param>
/// <param name="Seconds">Time of the generation alone.</param>
internal sealed record GenerationReport(
    string Checkpoint, long Step, string Prompt, string Text, int Tokens, float Temperature, long Seed, double Seconds);
