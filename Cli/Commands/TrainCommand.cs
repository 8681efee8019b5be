using System.CommandLine;
using MoEActors.Cli.Training;
using MoEActors.Client.Data;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Commands;

/// <summary>`moe train`: a language model learns from the user's own text.</summary>
internal sealed class TrainCommand
{
    private static readonly TrainOptions Defaults = new();

    private readonly Option<string[]> _text = new("--text")
    {
        Description = "Files and folders of UTF-8 text; without it, the .NET documentation.",
        HelpName = "PATH",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<int?> _steps =
        NumberOption.OptionalCount("--steps", "Train exactly so many steps, however long they take.");

    private readonly Option<double> _seconds = NumberOption.Positive("--seconds", "Training time in seconds.", Defaults.Seconds);

    private readonly Option<int> _batch = NumberOption.Count("--batch", "Sequences per step, on all silos together.", Defaults.Batch);

    private readonly Option<int> _sequence = NumberOption.Count("--sequence", "Tokens per sequence.", Defaults.Sequence);

    private readonly Option<int> _dimension = NumberOption.Count("--dim", "Width of the model.", Defaults.Dimension);

    private readonly Option<int> _layers = NumberOption.Count("--layers", "Decoder layers.", Defaults.Layers);

    private readonly Option<int> _heads = NumberOption.Count("--heads", "Query heads.", Defaults.Heads);

    private readonly Option<int> _keyValueHeads = NumberOption.Count("--kv-heads", "Key and value heads.", Defaults.KeyValueHeads);

    private readonly Option<int> _experts = NumberOption.Count("--experts", "Experts per layer.", Defaults.Experts);

    private readonly Option<int> _topK = NumberOption.Count("--top-k", "Experts that a token is sent to.", Defaults.TopK);

    private readonly Option<int> _hidden = NumberOption.Count("--hidden", "Width of an expert's hidden layer.", Defaults.Hidden);

    private readonly Option<double> _learningRate =
        NumberOption.Positive("--learning-rate", "Highest learning rate, after the warm-up.", Defaults.LearningRate);

    private readonly Option<long> _seed = NumberOption.Seed(Defaults.Seed);

    private readonly Option<string> _name = new("--name")
    {
        Description = "Name of the run; its checkpoint and status lie in runs/NAME.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Defaults.Name,
    };

    private readonly Option<string?> _json = new("--json") { Description = "Write the result to a file as JSON.", HelpName = "FILE" };

    public static Command Create() => new TrainCommand().Build();

    private Command Build()
    {
        Command command = new("train", "Train a byte-level language model with experts on your own text.")
        {
            _text, _silos, _steps, _seconds, _batch, _sequence, _dimension, _layers, _heads, _keyValueHeads, _experts, _topK, _hidden, _learningRate, _seed,
            _name, _json,
        };
        command.Runs(Read, Run);
        return command;
    }

    private TrainOptions Read(ParseResult parsed) => new()
    {
        Text = parsed.GetValue(_text) ?? [],
        Silos = parsed.GetValue(_silos),
        Steps = parsed.GetValue(_steps),
        Seconds = parsed.GetValue(_seconds),
        Batch = parsed.GetValue(_batch),
        Sequence = parsed.GetValue(_sequence),
        Dimension = parsed.GetValue(_dimension),
        Layers = parsed.GetValue(_layers),
        Heads = parsed.GetValue(_heads),
        KeyValueHeads = parsed.GetValue(_keyValueHeads),
        Experts = parsed.GetValue(_experts),
        TopK = parsed.GetValue(_topK),
        Hidden = parsed.GetValue(_hidden),
        LearningRate = parsed.GetValue(_learningRate),
        Seed = parsed.GetValue(_seed),
        Name = parsed.GetRequiredValue(_name),
        Json = parsed.GetValue(_json),
    };

    private static async Task<int> Run(TrainOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainingJob job = new()
        {
            Name = options.Name,
            Corpus = ByteCorpus.Divide(Read(options.Text, output)),
            Run = Configuration(options),
            Sequences = options.Batch,
            Silos = options.Silos,
            Steps = options.Steps,
            Time = TimeSpan.FromSeconds(options.Seconds),
            Seed = options.Seed,
            Folder = Path.Combine("runs", options.Name),
            Prompt = "The ",
        };
        output.Out.WriteLine(
            $"Text: {job.Corpus.TrainingBytes:N0} bytes to learn from, {job.Corpus.ValidationBytes:N0} kept for validation.");
        TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
        TrainingReport.Write(result, options.Json, output);
        return ExitCode.Done;
    }

    private static IReadOnlyList<TextDocument> Read(IReadOnlyList<string> paths, CommandOutput output)
    {
        if (paths.Count == 0)
        {
            return DotNetDocumentation.Read();
        }

        TextFolder text = TextFolder.Read(paths);
        foreach (string skipped in text.Skipped)
        {
            output.Error.WriteLine($"Skipped, as it is empty or not UTF-8 text: {skipped}");
        }

        return text.Documents;
    }

    private static RunConfiguration Configuration(TrainOptions options) => new()
    {
        MicroBatches = Math.Min(options.Batch, DemoModel.MicroBatches),
        Model = new ModelConfiguration
        {
            Vocabulary = ByteBatches.Vocabulary,
            Dim = options.Dimension,
            Heads = options.Heads,
            KeyValueHeads = options.KeyValueHeads,
            Hidden = options.Hidden,
            Experts = [.. Enumerable.Repeat(options.Experts, options.Layers)],
            Gate = new GateOptions { TopK = options.TopK },
            MaximumSequence = options.Sequence,
            Seed = (ulong)options.Seed,
        },
        Optimizer = new OptimizerOptions { LearningRate = (float)options.LearningRate },
    };
}
