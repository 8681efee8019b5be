using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using MoEActors.Cli.Invocation;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Modules.Checkpoints;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Commands;

/// <summary>`moe generate`: a trained model writes.</summary>
internal sealed class GenerateCommand
{
    private static readonly GenerateOptions Defaults = new();

    private readonly Option<string> _checkpoint = new("--checkpoint")
    {
        Description = "Folder of the checkpoint.",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string> _prompt = new("--prompt")
    {
        Description = "What the text begins with.",
        HelpName = "TEXT",
        DefaultValueFactory = _ => Defaults.Prompt,
    };

    private readonly Option<int> _tokens = NumberOption.Count("--tokens", "Bytes to add.", Defaults.Tokens);

    private readonly Option<double> _temperature =
        NumberOption.NotNegative("--temperature", "Divides the logits: the higher, the bolder; 0 takes the most likely byte.", Defaults.Temperature);

    private readonly Option<long> _seed = NumberOption.Seed(Defaults.Seed);

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new GenerateCommand().Build();

    private Command Build()
    {
        Command command = new("generate", "Let a trained model continue a text.") { _checkpoint, _prompt, _tokens, _temperature, _seed, _json };
        command.Runs(Read, Run);
        return command;
    }

    private GenerateOptions Read(ParseResult parsed) => new()
    {
        Checkpoint = parsed.GetRequiredValue(_checkpoint),
        Prompt = parsed.GetRequiredValue(_prompt),
        Tokens = parsed.GetValue(_tokens),
        Temperature = parsed.GetValue(_temperature),
        Seed = parsed.GetValue(_seed),
        Json = parsed.GetValue(_json),
    };

    private static async Task<int> Run(GenerateOptions options, CommandOutput output, CancellationToken cancellation)
    {
        int vocabulary = CheckpointFolder.Open(options.Checkpoint).Run.Model.Vocabulary;
        if (vocabulary != ByteBatches.Vocabulary)
        {
            throw new UsageException(
                $"--checkpoint {options.Checkpoint} has a vocabulary of {vocabulary}; only models of bytes ({ByteBatches.Vocabulary}) can be read as text here.");
        }

        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = 1 }, cancellation);
        MoEModel model = await cluster.Client.RestoreModelAsync("generate", options.Checkpoint, cancellationToken: cancellation);
        TextWriter live = options.Json ? TextWriter.Null : output.Out;
        long started = Stopwatch.GetTimestamp();
        string text = await ContinueAsync(model, options, live, cancellation);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        live.WriteLine();
        if (options.Json)
        {
            output.Out.WriteLine(JsonSerializer.Serialize(new GenerationReport
            {
                Checkpoint = Path.GetFullPath(options.Checkpoint),
                Step = model.Step,
                Prompt = options.Prompt,
                Text = text,
                Tokens = options.Tokens,
                Temperature = options.Temperature,
                Seed = options.Seed,
                Seconds = seconds,
            }, SnakeCase.OneLine));
        }

        return ExitCode.Done;
    }

    private static async Task<string> ContinueAsync(MoEModel model, GenerateOptions options, TextWriter live, CancellationToken cancellation)
    {
        int[] prompt = [.. Encoding.UTF8.GetBytes(options.Prompt).Select(value => (int)value)];
        live.Write(options.Prompt);

        // A character of several bytes arrives byte by byte; the decoder keeps the incomplete part.
        Decoder decoder = Encoding.UTF8.GetDecoder();
        char[] characters = new char[4];
        var text = new StringBuilder(options.Prompt);
        void Show(ReadOnlySpan<byte> bytes, bool flush)
        {
            int count = decoder.GetChars(bytes, characters, flush);
            text.Append(characters, 0, count);
            live.Write(characters, 0, count);
            live.Flush();
        }

        await foreach (int token in model.GenerateAsync(prompt, options.Tokens, (float)options.Temperature, (ulong)options.Seed, cancellation))
        {
            Show([(byte)token], flush: false);
        }

        Show([], flush: true);
        return text.ToString();
    }
}

/// <summary>What `moe generate` is asked to do.</summary>
internal sealed record GenerateOptions : ICommandOptions
{
    /// <summary>Folder of the checkpoint.</summary>
    public string Checkpoint { get; init; } = "";

    /// <summary>What the text begins with.</summary>
    public string Prompt { get; init; } = "The ";

    /// <summary>Tokens to add; a token of a byte-level model is a byte.</summary>
    public int Tokens { get; init; } = 240;

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    public double Temperature { get; init; } = 0.7;

    /// <summary>Seed of the draws.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Whether to print one JSON object instead of the text.</summary>
    public bool Json { get; init; }

    public void Validate()
    {
        if (Encoding.UTF8.GetByteCount(Prompt) == 0)
        {
            throw new UsageException("--prompt is empty; a text needs a beginning.");
        }
    }
}

/// <summary>What `moe generate --json` prints.</summary>
internal sealed record GenerationReport
{
    /// <summary>Folder of the checkpoint.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Steps that the model has been trained for.</summary>
    public required long Step { get; init; }

    public required string Prompt { get; init; }

    /// <summary>The text, the prompt included.</summary>
    public required string Text { get; init; }

    /// <summary>Tokens added to the prompt.</summary>
    public required int Tokens { get; init; }

    public required double Temperature { get; init; }

    public required long Seed { get; init; }

    /// <summary>Time of the generation alone.</summary>
    public required double Seconds { get; init; }
}
