using System.CommandLine;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Cli.Commands;

/// <summary>`moe train`: a language model learns from the user's own text.</summary>
internal sealed class TrainCommand
{
    private static readonly TrainOptions Defaults = new();

    /// <summary>The beginning of the sample that a trained model writes.</summary>
    public const string Prompt = "The ";

    private readonly Option<string?> _config = new("--config")
    {
        Description = "Read a JSON file (see docs/configuration.md); options given here win over it.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _text = SharedOptions.Text("the .NET documentation");

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<int?> _steps =
        NumberOption.OptionalCount("--steps", "Train exactly so many steps, however long they take.");

    private readonly Option<double> _seconds = NumberOption.Seconds("Training time in seconds.", Defaults.Seconds);

    private readonly Option<int> _batch = NumberOption.Count("--batch", "Sequences per step, on all silos together.", Defaults.Batch);

    private readonly Option<int> _sequence = NumberOption.Count("--sequence", "Tokens per sequence.", Defaults.Sequence);

    private readonly Option<int> _dimension = NumberOption.Count("--dim", "Width of the model.", Defaults.Dimension);

    private readonly Option<int> _layers = NumberOption.Count("--layers", "Decoder layers.", Defaults.Layers);

    private readonly Option<int> _heads = NumberOption.Count("--heads", "Query heads.", Defaults.Heads);

    private readonly Option<int> _keyValueHeads = NumberOption.Count("--kv-heads", "Key and value heads.", Defaults.KeyValueHeads);

    private readonly Option<int> _experts = NumberOption.Count("--experts", "Experts per layer.", Defaults.Experts);

    private readonly Option<int> _topK = NumberOption.Count("--top-k", "Experts that a token is sent to.", Defaults.TopK);

    private readonly Option<int> _hidden = NumberOption.Count("--hidden", "Width of an expert's hidden layer.", Defaults.Hidden);

    private readonly Option<string> _recompute = new("--recompute")
    {
        Description = "Layers to compute again in backward, to save memory: all, none, or numbers such as 0,2-5.",
        HelpName = "LAYERS",
        DefaultValueFactory = _ => Defaults.Recompute,
    };

    private readonly Option<double> _learningRate =
        NumberOption.Positive("--learning-rate", "Highest learning rate, after the warm-up.", Defaults.LearningRate);

    private readonly Option<long> _seed = NumberOption.Seed(Defaults.Seed);

    private readonly Option<string> _name = new("--name")
    {
        Description = "Name of the run; its checkpoint and status lie in runs/NAME.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Defaults.Name,
    };

    private readonly Option<string> _runs = SharedOptions.Runs();

    private readonly Option<int> _saveEvery =
        NumberOption.Count("--save-every", "Steps between two checkpoints; 0 for one at the end.", Defaults.SaveEvery, least: 0);

    private readonly Option<bool> _noDirector = SharedOptions.NoDirector();

    private readonly Option<string?> _json = SharedOptions.JsonFile();

    public static Command Create() => new TrainCommand().Build();

    private Command Build()
    {
        Command command = new("train", "Train a byte-level language model with experts on your own text.")
        {
            _config, _text, _silos, _steps, _seconds, _batch, _sequence, _dimension, _layers, _heads, _keyValueHeads, _experts, _topK, _hidden,
            _recompute,
            _learningRate, _seed, _name, _runs, _saveEvery, _noDirector, _json,
        };
        command.Runs(Read, Run);
        return command;
    }

    private TrainOptions Read(ParseResult parsed)
    {
        TrainFile? file = parsed.GetValue(_config) is { } path ? TrainFile.Read(path) : null;
        bool IsGiven(Option option) => parsed.GetResult(option) is { Implicit: false };

        // The command line wins over the file, the file over the defaults.
        T Choose<T>(Option<T> option, Func<TrainFile, T?> ofFile)
            where T : struct => file is not null && !IsGiven(option) && ofFile(file) is { } value ? value : parsed.GetValue(option);

        int? steps = parsed.GetValue(_steps) ?? (IsGiven(_seconds) ? null : file?.Steps);
        bool isTimed = IsGiven(_seconds) || file?.Seconds is not null;
        return new TrainOptions
        {
            File = file,
            Text = parsed.GetValue(_text) is { Length: > 0 } text ? text : file?.Text ?? [],
            Silos = Choose(_silos, one => one.Silos),
            Steps = steps ?? (!isTimed && file is { HasSchedule: true } ? checked((int)file.Optimizer.TotalSteps) : null),
            Seconds = Choose(_seconds, one => one.Seconds),
            Batch = Choose(_batch, one => one.Batch),
            Sequence = Choose(_sequence, one => one.Model.MaximumSequence),
            Dimension = Choose(_dimension, one => one.Model.Dim),
            Layers = Choose(_layers, one => one.Model.Layers),
            Heads = Choose(_heads, one => one.Model.Heads),
            KeyValueHeads = Choose(_keyValueHeads, one => one.Model.KeyValueHeads),
            Experts = Choose(_experts, one => one.Model.Experts.Max()),
            ExpertsByLayer = IsGiven(_experts) || IsGiven(_layers) ? null : file?.Model.Experts,
            TopK = Choose(_topK, one => one.Model.Gate.TopK),
            Hidden = Choose(_hidden, one => one.Model.Hidden),
            Recompute = file?.Recompute is { } recompute && !IsGiven(_recompute) ? recompute : parsed.GetRequiredValue(_recompute),
            LearningRate = Choose(_learningRate, one => one.Optimizer.LearningRate),
            Seed = Choose(_seed, one => (long)one.Model.Seed),
            Name = file?.Name is { } name && !IsGiven(_name) ? name : parsed.GetRequiredValue(_name),
            Runs = parsed.GetRequiredValue(_runs),
            SaveEvery = Choose(_saveEvery, one => one.SaveEvery),
            Director = !parsed.GetValue(_noDirector) && (file?.Director ?? true),
            Json = parsed.GetValue(_json),
        };
    }

    private static async Task<int> Run(TrainOptions options, CommandOutput output, CancellationToken cancellation)
    {
        RunConfiguration run = TrainedModel.Of(options);
        bool hasSchedule = options.File is { HasSchedule: true };
        TrainingJob job = new()
        {
            Name = options.Name,
            Text = TextSource.Read(options.Text, output),
            Run = run,
            ScheduleIsSet = hasSchedule,
            Sequences = options.Batch,
            Silos = options.Silos,
            Steps = options.Steps,
            Time = hasSchedule && options.Steps is not null ? TimeSpan.MaxValue : TimeSpan.FromSeconds(options.Seconds),
            SaveEvery = options.SaveEvery,
            Seed = options.Seed,
            Folder = RunFolder.At(Path.Combine(options.Runs, options.Name)),
            Prompt = Prompt,
            Director = options.Director ? new DirectorSettings() : null,
        };
        TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
        TrainingReport.Write(result, options.Json, output);
        return ExitCode.Done;
    }
}

/// <summary>What `moe train` is asked to do.</summary>
internal sealed record TrainOptions : ICommandOptions
{
    /// <summary>What the other options were completed from; null when no file was named.</summary>
    public TrainFile? File { get; init; }

    /// <summary>Files and folders of text; empty for the .NET documentation.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Exact number of training steps; null to train for <see cref="Seconds"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>Training time; not used when <see cref="Steps"/> is set.</summary>
    public double Seconds { get; init; } = 300;

    /// <summary>Sequences per step, on all silos together.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>Tokens per sequence.</summary>
    public int Sequence { get; init; } = 128;

    /// <summary>Width of the model.</summary>
    public int Dimension { get; init; } = 256;

    /// <summary>Number of decoder layers.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>Number of query heads.</summary>
    public int Heads { get; init; } = 8;

    /// <summary>Number of key and value heads.</summary>
    public int KeyValueHeads { get; init; } = 4;

    /// <summary>Experts per mixture-of-experts layer.</summary>
    public int Experts { get; init; } = 8;

    /// <summary>Experts by layer, where a file says so; null for <see cref="Experts"/> on each of <see cref="Layers"/>.</summary>
    public IReadOnlyList<int>? ExpertsByLayer { get; init; }

    /// <summary>Experts that a token is sent to.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>Width of an expert's hidden layer.</summary>
    public int Hidden { get; init; } = 512;

    /// <summary>Layers that are computed again in backward.</summary>
    public string Recompute { get; init; } = LayerSelection.None;

    /// <summary>Highest learning rate, after the warm-up.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Seed of everything that is random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Name of the run: its folder below runs/.</summary>
    public string Name { get; init; } = "train";

    /// <summary>Folder that holds the runs.</summary>
    public string Runs { get; init; } = OutputPath.Runs;

    /// <summary>Steps between two checkpoints; 0 for one at the end.</summary>
    public int SaveEvery { get; init; }

    /// <summary>Whether the placement follows the load.</summary>
    public bool Director { get; init; } = true;

    /// <summary>Where to write the result as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    public void Validate()
    {
        OutputPath.RequireWritableFile("--json", Json);
        OutputPath.RequireRunName("--name", Name);
        Require(ExpertsByLayer is not null || TopK <= Experts, $"--top-k {TopK} is more than --experts {Experts}.");
        Require(Dimension % Heads == 0, $"--dim {Dimension} is no multiple of --heads {Heads}.");
        Require(Dimension / Heads % 2 == 0, $"--dim {Dimension} gives each of --heads {Heads} an odd width; rotary embedding needs pairs.");
        Require(Heads % KeyValueHeads == 0, $"--heads {Heads} is no multiple of --kv-heads {KeyValueHeads}.");
    }

    private static void Require(bool holds, string error)
    {
        if (!holds)
        {
            throw new UsageException(error);
        }
    }
}
