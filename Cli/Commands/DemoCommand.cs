using System.CommandLine;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Commands;

/// <summary>`moe demo`: a language model learns from the .NET documentation on a cluster of embedded silos.</summary>
internal sealed class DemoCommand
{
    private static readonly DemoOptions Defaults = new();

    private readonly Option<string?> _json = SharedOptions.JsonFile();

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<double> _seconds = NumberOption.Seconds("Training time in seconds.", Defaults.Seconds);

    private readonly Option<int?> _steps =
        NumberOption.OptionalCount("--steps", "Train exactly so many steps, however long they take.");

    private readonly Option<long> _seed = NumberOption.Seed(Defaults.Seed);

    private readonly Option<string> _output = new("--output")
    {
        Description = "Folder of the run: checkpoint and status.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => Defaults.Output,
    };

    private readonly Option<bool> _noDirector = SharedOptions.NoDirector();

    public static Command Create() => new DemoCommand().Build();

    private Command Build()
    {
        Command command = new("demo", "Watch a language model with experts learn from the .NET documentation, on a cluster in this process.")
        {
            _json, _silos, _seconds, _steps, _seed, _output, _noDirector,
        };
        command.Runs(Read, Run);
        return command;
    }

    private DemoOptions Read(ParseResult parsed) => new()
    {
        Json = parsed.GetValue(_json),
        Silos = parsed.GetValue(_silos),
        Seconds = parsed.GetValue(_seconds),
        Steps = parsed.GetValue(_steps),
        Seed = parsed.GetValue(_seed),
        Output = parsed.GetRequiredValue(_output),
        Director = !parsed.GetValue(_noDirector),
    };

    private static async Task<int> Run(DemoOptions options, CommandOutput output, CancellationToken cancellation)
    {
        output.Out.WriteLine($"MoEActors demo: a mixture-of-experts language model learns from the .NET documentation on {options.Silos} silos.");
        TrainingJob job = DemoModel.Job(options, TextSource.Read([], output));
        TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
        TrainingReport.Write(result, options.Json, output);
        return ExitCode.Done;
    }
}

/// <summary>What `moe demo` is asked to do.</summary>
internal sealed record DemoOptions : ICommandOptions
{
    /// <summary>Whether the placement follows the load.</summary>
    public bool Director { get; init; } = true;

    /// <summary>Where to write the result as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Training time; not used when <see cref="Steps"/> is set.</summary>
    public double Seconds { get; init; } = 120;

    /// <summary>Exact number of training steps; null to train for <see cref="Seconds"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>Seed of everything that is random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Folder of the run.</summary>
    public string Output { get; init; } = Path.Combine("runs", "demo");

    public void Validate()
    {
        OutputPath.RequireWritableFile("--json", Json);
        if (File.Exists(Output))
        {
            throw new UsageException($"--output {Output} is a file; a folder is needed.");
        }
    }
}

/// <summary>The model of the demo: small enough to learn to write in two minutes on two cores, large enough for several experts in every layer.</summary>
internal static class DemoModel
{
    /// <summary>Micro-batches of a step: up to eight silos get work in every round.</summary>
    public const int MicroBatches = 8;

    private const int SequenceLength = 128;
    private const int Sequences = 32;

    /// <summary>Beyond this the model memorises the training files and improves little on others.</summary>
    private const int MostSteps = 1200;

    /// <summary>The demo as a job.</summary>
    public static TrainingJob Job(DemoOptions options, TextSource text) => new()
    {
        Name = "demo",
        Text = text,
        Sequences = Sequences,
        Silos = options.Silos,
        Steps = options.Steps,
        Time = TimeSpan.FromSeconds(options.Seconds),
        MostSteps = MostSteps,
        Seed = options.Seed,
        Folder = RunFolder.At(options.Output),
        Prompt = "Gets the ",
        MovesBusyExpert = true,
        ChangesSubject = true,
        Director = options.Director ? new DirectorSettings() : null,
        Run = new RunConfiguration
        {
            MicroBatches = MicroBatches,
            Model = new ModelConfiguration
            {
                Vocabulary = ByteBatches.Vocabulary,
                Dim = 128,
                Heads = 4,
                KeyValueHeads = 2,
                Hidden = 192,
                Experts = [8, 8, 8, 8],
                Gate = new GateOptions { TopK = 2 },
                MaximumSequence = SequenceLength,
                Seed = (ulong)options.Seed,
            },
            Optimizer = new OptimizerOptions { LearningRate = 3e-3f, WarmupSteps = 50, WeightDecay = 0.1f },
        },
    };
}
