using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Commands;

/// <summary>`moe generate`: a trained model writes.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Argument<string?> name = new("NAME") { Description = "Name of the run: its folder below runs/.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> checkpoint = TextOption.Optional("--checkpoint", "FOLDER", "Folder of a checkpoint, instead of NAME.");
        Option<string> runs = SharedOptions.Runs();
        Option<string> prompt = TextOption.WithDefault("--prompt", "TEXT", "What the text begins with.", TrainCommand.Prompt);
        Option<int> tokens = NumberOption.Count("--tokens", "Bytes to add.", 240);
        Option<double> temperature =
            NumberOption.NotNegative("--temperature", "Divides the logits: the higher, the bolder; 0 takes the most likely byte.", 0.7);
        Option<long> seed = NumberOption.Seed();
        Option<bool> json = SharedOptions.Json();
        Command command = new("generate", "Let a trained model continue a text.")
        {
            name, checkpoint, runs, prompt, tokens, temperature, seed, json,
        };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            RunFolder folder = RunFolder.Of(parsed.GetValue(name), parsed.GetValue(checkpoint), parsed.GetRequiredValue(runs));
            string beginning = parsed.GetRequiredValue(prompt);
            (int count, double boldness, long draws) = (parsed.GetValue(tokens), parsed.GetValue(temperature), parsed.GetValue(seed));
            UsageException.ThrowUnless(beginning.Length > 0, "--prompt is empty; a text needs a beginning.");
            int vocabulary = folder.OpenCheckpoint(output).Run.Model.Vocabulary;
            UsageException.ThrowUnless(
                vocabulary == ByteBatches.Vocabulary,
                $"The model in {folder.Checkpoint} has a vocabulary of {vocabulary}; only models of bytes ({ByteBatches.Vocabulary}) can be read as text here.");
            await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = 1 }, cancellation);
            MoEModel model = await cluster.Client.RestoreForInferenceAsync("generate", Path.GetFullPath(folder.Checkpoint), cancellationToken: cancellation);
            TextWriter live = parsed.GetValue(json) ? TextWriter.Null : output.Out;
            long started = Stopwatch.GetTimestamp();
            int[] bytes = [.. Encoding.UTF8.GetBytes(beginning).Select(value => (int)value)];
            string text = await WriteAsync(beginning, model.GenerateAsync(bytes, count, (float)boldness, (ulong)draws, cancellation), live);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            live.WriteLine();
            if (parsed.GetValue(json))
            {
                GenerationReport report = new(Path.GetFullPath(folder.Checkpoint), model.Step, beginning, text, count, boldness, draws, seconds);
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
            }

            return ExitCode.Done;
        });
    }

    private static async Task<string> WriteAsync(string prompt, IAsyncEnumerable<int> tokens, TextWriter live)
    {
        live.Write(prompt);

        // A character of several bytes arrives byte by byte; the decoder keeps the incomplete part.
        Decoder decoder = Encoding.UTF8.GetDecoder();
        char[] characters = new char[4];
        var text = new StringBuilder(prompt);
        void Show(ReadOnlySpan<byte> bytes, bool flush)
        {
            int count = decoder.GetChars(bytes, characters, flush);
            text.Append(characters, 0, count);
            live.Write(characters, 0, count);
            live.Flush();
        }

        await foreach (int token in tokens)
        {
            Show([(byte)token], flush: false);
        }

        Show([], flush: true);
        return text.ToString();
    }
}

/// <summary>What `moe generate --json` prints.</summary>
/// <param name="Checkpoint">Folder of the checkpoint.</param>
/// <param name="Step">Steps that the model has been trained for.</param>
/// <param name="Prompt">What the text begins with.</param>
/// <param name="Text">The text, the prompt included.</param>
/// <param name="Tokens">Tokens added to the prompt; a token of a byte-level model is a byte.</param>
/// <param name="Temperature">Divides the logits; 0 takes the most likely token.</param>
/// <param name="Seed">Seed of the draws.</param>
/// <param name="Seconds">Time of the generation alone.</param>
internal sealed record GenerationReport(
    string Checkpoint, long Step, string Prompt, string Text, int Tokens, double Temperature, long Seed, double Seconds);
