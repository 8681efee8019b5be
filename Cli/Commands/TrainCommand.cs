using System.CommandLine;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client.Tokens;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Commands;

/// <summary>`moe train`: a language model learns from the user's own text.</summary>
internal sealed class TrainCommand
{
    public const string DefaultName = "train";
    public const int DefaultBatch = 16;

    /// <summary>The beginning of the sample that a trained model writes.</summary>
    public const string Prompt = "The ";

    private readonly Option<string?> _config =
        TextOption.Optional("--config", "FILE", "Read a JSON file (see docs/configuration.md); options given here win over it.");

    private readonly Option<string[]> _text = SharedOptions.Text("the .NET documentation");
    private readonly Option<double[]> _weights = NumberOption.PositiveList("--weights", "By --text PATH, how much of what is read is from there; without it, all is read as one.");
    private readonly Option<bool> _packed = new("--packed") { Description = "Read every file as a document and pack documents into sequences, as files of records (.jsonl) are." };
    private readonly Option<bool> _skipBroken = new("--skip-broken") { Description = "Leave out lines of .jsonl files that hold no record, and count them; else the first one is an error." };
    private readonly Option<string?> _tokenizer = SharedOptions.Tokenizer("bytes");
    private readonly Option<int> _silos = SharedOptions.Silos();
    private readonly Option<string> _device = SharedOptions.Device();
    private readonly Option<int?> _steps = NumberOption.OptionalCount("--steps", "Train exactly so many steps, however long they take.");
    private readonly Option<double> _seconds = NumberOption.Seconds("Training time in seconds.", 300);
    private readonly Option<int> _batch = NumberOption.Count("--batch", "Sequences per step, on all silos together.", DefaultBatch);
    private readonly Option<int> _sequence = NumberOption.Count("--sequence", "Tokens per sequence.", 128);
    private readonly Option<int> _dimension = NumberOption.Count("--dim", "Width of the model.", 256);
    private readonly Option<int> _layers = NumberOption.Count("--layers", "Decoder layers.", 4);
    private readonly Option<int> _heads = NumberOption.Count("--heads", "Query heads.", 8);
    private readonly Option<int> _keyValueHeads = NumberOption.Count("--kv-heads", "Key and value heads.", 4);
    private readonly Option<int> _experts = NumberOption.Count("--experts", "Experts per layer.", 8);
    private readonly Option<int> _topK = NumberOption.Count("--top-k", "Experts that a token is sent to.", 2);
    private readonly Option<int> _hidden = NumberOption.Count("--hidden", "Width of an expert's hidden layer.", 512);

    private readonly Option<string> _recompute = TextOption.WithDefault(
        "--recompute", "LAYERS", "Layers to compute again in backward, to save memory: all, none, or numbers such as 0,2-5.", LayerSelection.None);

    private readonly Option<float> _learningRate = NumberOption.Positive("--learning-rate", "Highest learning rate, after the warm-up.", 1e-3f);
    private readonly Option<string> _schedule = ScheduleOption.Create();
    private readonly Option<long> _seed = NumberOption.Seed();

    private readonly Option<string> _name =
        TextOption.WithDefault("--name", "NAME", "Name of the run; its checkpoint and status lie in runs/NAME.", DefaultName);

    private readonly Option<string> _runs = SharedOptions.Runs();
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Give up a run of that name, if there is one, and begin anew." };
    private readonly Option<int> _saveEvery = NumberOption.Count("--save-every", "Steps between two checkpoints; 0 for one at the end.", 0, least: 0);
    private readonly Option<int> _keep = NumberOption.Count("--keep", "Checkpoints to keep, and the best one beside them.", 1);

    private readonly Option<int> _evalEvery =
        NumberOption.Count("--eval-every", "Steps between two measurements of the validation loss; 0 for one at the end.", 0, least: 0);

    private readonly Option<int> _patience =
        NumberOption.Count("--patience", "End after so many measurements without a lower validation loss; 0 for never.", 0, least: 0);

    private readonly Option<bool> _noDirector = SharedOptions.NoDirector();
    private readonly Option<string> _parallelism = TravelChoice.Option();
    private readonly Option<string?> _json = SharedOptions.JsonFile();
    private readonly Option<string?> _connect = ConnectOption.Create();
    private readonly DashboardOptions _dashboard = new();

    public static Command Create() => new TrainCommand().Build();

    private Command Build()
    {
        Command command = new("train", "Train a language model with experts on your own text.")
        {
            _config, _text, _weights, _packed, _skipBroken, _tokenizer, _silos, _device, _steps, _seconds, _batch, _sequence, _dimension, _layers, _heads, _keyValueHeads, _experts, _topK, _hidden,
            _recompute, _learningRate, _schedule, _seed, _name, _runs, _overwrite, _saveEvery, _keep, _evalEvery, _patience, _noDirector, _parallelism, _json, _connect,
        };
        _dashboard.AddTo(command);
        return command.Runs(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CommandOutput output, CancellationToken cancellation)
    {
        TrainFile? file = parsed.GetValue(_config) is { } path ? TrainFile.Read(path) : null;
        Choices chosen = new(parsed, file);
        string name = chosen.Of(_name, one => one.Name);
        OutputFile.RequireWritable("--json", parsed.GetValue(_json));
        OutputPath.RequireRunName("--name", name);
        DashboardChoice dashboard = _dashboard.Of(parsed, ConnectOption.IsGiven(parsed, _connect) ? DashboardChoice.None : DashboardChoice.Default);
        TextReading reading = Reading(chosen);
        RunConfiguration run = Configuration(chosen, reading.Open());
        UsageException.ThrowUnless(!chosen.IsGiven(_steps) || !chosen.IsGiven(_seconds), "--steps and --seconds exclude each other.");
        int? steps = parsed.GetValue(_steps) ?? (chosen.IsGiven(_seconds) ? null : file?.Steps);
        bool hasSchedule = file is { HasSchedule: true };
        if (hasSchedule && !chosen.IsGiven(_seconds) && file?.Seconds is null)
        {
            steps ??= checked((int)run.Optimizer.TotalSteps);
        }

        var folder = RunFolder.At(Path.Combine(parsed.GetRequiredValue(_runs), name));
        EarlierRun.RequireNone(folder, parsed.GetValue(_overwrite), "choose another name with --name", "give it up with --overwrite");
        (int evalEvery, int patience) = (chosen.Of(_evalEvery, one => one.EvalEvery), chosen.Of(_patience, one => one.Patience));
        UsageException.ThrowUnless(patience == 0 || evalEvery > 0, $"--patience {patience} counts measurements; --eval-every N makes them.");
        var travel = TravelChoice.Of(chosen.Of(_parallelism, one => one.Parallelism));
        travel.RequirePossible(run.Reproducible);
        TrainingJob job = new()
        {
            Name = name,
            Text = TextSource.Read(IsNamed(parsed) ? parsed.GetValue(_text)! : file?.Text ?? [], reading, output),
            Run = run,
            ScheduleIsSet = hasSchedule,
            Sequences = chosen.Of(_batch, one => one.Batch),
            Silos = chosen.Of(_silos, one => one.Silos),
            Device = SharedOptions.DeviceOf(chosen.Of(_device, one => one.Device)),
            Connect = ConnectOption.Of(parsed, _connect, parsed.GetRequiredValue(_runs)),
            Dashboard = dashboard,
            Steps = steps,
            Time = hasSchedule && steps is not null ? TimeSpan.MaxValue : TimeSpan.FromSeconds(chosen.Of(_seconds, one => one.Seconds)),
            SaveEvery = chosen.Of(_saveEvery, one => one.SaveEvery),
            Keep = chosen.Of(_keep, one => one.Keep),
            EvalEvery = evalEvery,
            Patience = patience,
            Seed = (long)run.Model.Seed,
            Folder = folder,
            Prompt = Prompt,
            Director = !parsed.GetValue(_noDirector) && (file?.Director ?? true) ? new DirectorSettings() : null,
            Travel = travel,
        };
        return await TrainingReport.RunAsync(job, parsed.GetValue(_json), output, cancellation);
    }

    private bool IsNamed(ParseResult parsed) => parsed.GetValue(_text) is { Length: > 0 };

    /// <summary>How the text that is named here, or in the file, is read.</summary>
    private TextReading Reading(Choices chosen)
    {
        (ParseResult parsed, TrainFile? file) = (chosen.Parsed, chosen.File);
        var reading = new TextReading(
            parsed.GetValue(_packed) || file?.Packed == true,
            parsed.GetValue(_weights) is { Length: > 0 } weights ? weights : IsNamed(parsed) ? null : file?.Weights,
            parsed.GetValue(_skipBroken) || file?.SkipBroken == true);
        return reading.With(parsed.GetValue(_tokenizer) ?? file?.Tokenizer);
    }

    /// <summary>The run of the file, if one is named, with what the options say.</summary>
    /// <exception cref="UsageException">Options and file contradict each other.</exception>
    private RunConfiguration Configuration(Choices chosen, TextTokenizer tokenizer)
    {
        TrainFile? file = chosen.File;
        ModelConfiguration model = file?.Model ?? new ModelConfiguration();
        int experts = chosen.Of(_experts, one => one.Model.Experts.Max());
        IReadOnlyList<int>? ofLayers = chosen.IsGiven(_experts) || chosen.IsGiven(_layers) ? null : file?.Model.Experts;
        int topK = chosen.Of(_topK, one => one.Model.Gate.TopK);
        int dimension = chosen.Of(_dimension, one => one.Model.Dim);
        int heads = chosen.Of(_heads, one => one.Model.Heads);
        int keyValueHeads = chosen.Of(_keyValueHeads, one => one.Model.KeyValueHeads);
        UsageException.ThrowUnless(ofLayers is not null || topK <= experts, $"--top-k {topK} is more than --experts {experts}.");
        UsageException.ThrowUnless(dimension % heads == 0, $"--dim {dimension} is no multiple of --heads {heads}.");
        UsageException.ThrowUnless(
            dimension / heads % 2 == 0, $"--dim {dimension} gives each of --heads {heads} an odd width; rotary embedding needs pairs.");
        UsageException.ThrowUnless(heads % keyValueHeads == 0, $"--heads {heads} is no multiple of --kv-heads {keyValueHeads}.");
        OptimizerOptions optimizer = file?.Optimizer ?? new OptimizerOptions();
        var run = new RunConfiguration
        {
            MicroBatches = ConfiguredRun.MicroBatches(file, chosen.Of(_batch, one => one.Batch)),
            Reproducible = file?.Reproducible ?? true,
            Model = model with
            {
                Vocabulary = ConfiguredRun.VocabularyOf(file, tokenizer),
                Dim = dimension,
                Heads = heads,
                KeyValueHeads = keyValueHeads,
                Hidden = chosen.Of(_hidden, one => one.Model.Hidden),
                Experts = ofLayers ?? [.. Enumerable.Repeat(experts, chosen.Of(_layers, one => one.Model.Layers))],
                Gate = model.Gate with { TopK = topK },
                MaximumSequence = chosen.Of(_sequence, one => one.Model.MaximumSequence),
                Seed = (ulong)chosen.Of(_seed, one => (long)one.Model.Seed),
            },
            Recompute = chosen.Of(_recompute, one => one.Recompute),
            Optimizer = optimizer with
            {
                LearningRate = chosen.Of(_learningRate, one => one.Optimizer.LearningRate),
                Schedule = chosen.IsGiven(_schedule) ? ScheduleOption.Of(chosen.Parsed.GetRequiredValue(_schedule)) : optimizer.Schedule,
            },
        };
        run.Require();
        return run;
    }

    /// <summary>The command line wins over the file, the file over the defaults.</summary>
    private sealed record Choices(ParseResult Parsed, TrainFile? File)
    {
        public bool IsGiven(Option option) => Parsed.GetResult(option) is { Implicit: false };

        public T Of<T>(Option<T> option, Func<TrainFile, T?> ofFile)
            where T : struct => File is not null && !IsGiven(option) && ofFile(File) is { } value ? value : Parsed.GetValue(option);

        public string Of(Option<string> option, Func<TrainFile, string?> ofFile) =>
            File is not null && !IsGiven(option) && ofFile(File) is { } value ? value : Parsed.GetRequiredValue(option);
    }
}
