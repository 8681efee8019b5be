using System.CommandLine;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Commands;

/// <summary>`moe resume`: a run goes on from its checkpoint, as if it had never stopped.</summary>
internal sealed class ResumeCommand
{
    private readonly Argument<string?> _name = new("NAME")
    {
        Description = "Name of the run: its folder below runs/.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _checkpoint = new("--checkpoint") { Description = "Folder of a checkpoint, instead of NAME.", HelpName = "FOLDER" };

    private readonly Option<string> _runs = SharedOptions.Runs();

    private readonly Option<int?> _steps = NumberOption.OptionalCount(
        "--steps", "Stop after this step, those already done included; without it, where the run was to stop.");

    private readonly Option<double?> _seconds = NumberOption.OptionalSeconds("Train so many seconds at most.");

    private readonly Option<string[]> _text = SharedOptions.Text("the run's own");

    private readonly Option<int?> _silos = NumberOption.OptionalCount("--silos", "Number of embedded silos; without it, as many as before.");

    private readonly Option<string?> _json = SharedOptions.JsonFile();

    public static Command Create() => new ResumeCommand().Build();

    private Command Build()
    {
        Command command = new("resume", "Go on with a run from its checkpoint: the result is that of never having stopped.")
        {
            _name, _checkpoint, _runs, _steps, _seconds, _text, _silos, _json,
        };
        command.Runs(Read, Run);
        return command;
    }

    private ResumeOptions Read(ParseResult parsed) => new()
    {
        Name = parsed.GetValue(_name),
        Checkpoint = parsed.GetValue(_checkpoint),
        Runs = parsed.GetRequiredValue(_runs),
        Steps = parsed.GetValue(_steps),
        Seconds = parsed.GetValue(_seconds),
        Text = parsed.GetValue(_text) ?? [],
        Silos = parsed.GetValue(_silos),
        Json = parsed.GetValue(_json),
    };

    private static async Task<int> Run(ResumeOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainingJob job = ResumedJob.Of(options, output);
        output.Out.WriteLine($"Going on with {job.Name} after step {job.Resume!.Step}.");
        TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
        TrainingReport.Write(result, options.Json, output);
        return ExitCode.Done;
    }
}

/// <summary>What `moe resume` is asked to do.</summary>
internal sealed record ResumeOptions : ICommandOptions
{
    /// <summary>Name of the run; null when <see cref="Checkpoint"/> is given.</summary>
    public string? Name { get; init; }

    /// <summary>Folder of the checkpoint; null when <see cref="Name"/> is given.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Folder that holds the runs.</summary>
    public required string Runs { get; init; }

    /// <summary>The step to stop after, those done included; null for what the run was asked for.</summary>
    public int? Steps { get; init; }

    /// <summary>Training time at most; null for no limit.</summary>
    public double? Seconds { get; init; }

    /// <summary>Files and folders of other text; empty for the run's own.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>Number of embedded silos; null for as many as before.</summary>
    public int? Silos { get; init; }

    /// <summary>Where to write the result as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    public void Validate()
    {
        OutputPath.RequireWritableFile("--json", Json);
        if (Name is null == Checkpoint is null)
        {
            throw new UsageException(Name is null ? "the NAME of a run or --checkpoint FOLDER must be given." : "NAME and --checkpoint exclude each other.");
        }

        if (Name is not null)
        {
            OutputPath.RequireRunName("NAME", Name);
        }
    }
}

/// <summary>Makes a job of what a run has left: the checkpoint, run.json, and the text that they were made from.</summary>
internal static class ResumedJob
{
    /// <summary>The rest of a run.</summary>
    /// <exception cref="UsageException">Checkpoint, run.json and text do not belong together, or nothing is left to do.</exception>
    /// <exception cref="CheckpointException">There is no checkpoint.</exception>
    public static TrainingJob Of(ResumeOptions options, CommandOutput output)
    {
        RunFolder folder = options.Name is { } name
            ? RunFolder.At(Path.Combine(options.Runs, name))
            : RunFolder.OfCheckpoint(options.Checkpoint!);
        CheckpointFolder checkpoint = CheckpointFolder.Open(folder.Checkpoint);
        RunFile record = folder.ReadRunFile() ?? Without(folder, options, checkpoint, output);
        if (record.Id != checkpoint.Cursor)
        {
            throw new UsageException(
                $"{folder.Path} has the checkpoint of one run and the run.json of another, as one was killed between writing the two. Start it again with moe train, or give --text and a copy of the checkpoint without run.json.");
        }

        long goal = options.Steps ?? Goal(record, checkpoint);
        if (goal <= checkpoint.Step)
        {
            throw new UsageException(
                $"{record.Name} has done {checkpoint.Step} steps and nothing is left to do. --steps N goes on until step N, at the learning rate that the schedule ended with.");
        }

        return new TrainingJob
        {
            Name = record.Name,
            Text = Text(options, record, output),
            Run = checkpoint.Run,
            ScheduleIsSet = true,
            Resume = new ResumePoint(record.Id, checkpoint.Step),
            Sequences = record.Batch,
            Silos = options.Silos ?? record.Silos,
            Steps = checked((int)goal),
            Time = options.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.MaxValue,
            SaveEvery = record.SaveEvery,
            Seed = record.Seed,
            Folder = folder,
            Prompt = record.Prompt,
            Director = record.Director ? new DirectorSettings() : null,
            TurnsAfter = record.TurnsAfter,
        };
    }

    /// <summary>What the run was asked for; when that is done, the end of its schedule.</summary>
    private static long Goal(RunFile record, CheckpointFolder checkpoint)
    {
        long schedule = checkpoint.Run.Optimizer.TotalSteps;
        return checkpoint.Step < record.Steps ? record.Steps : schedule;
    }

    private static TextSource Text(ResumeOptions options, RunFile record, CommandOutput output)
    {
        TextSource text = TextSource.Read(options.Text.Count > 0 ? options.Text : record.Text, output);
        if (options.Text.Count == 0 && text.Hash != record.TextHash)
        {
            string paths = record.Text.Count == 0 ? "the .NET documentation" : string.Join(", ", record.Text);
            throw new UsageException($"The text has changed since the run began: {paths}. Name it with --text to go on with it as it is now.");
        }

        return text;
    }

    /// <summary>A checkpoint without run.json can be resumed when the text is named.</summary>
    private static RunFile Without(RunFolder folder, ResumeOptions options, CheckpointFolder checkpoint, CommandOutput output)
    {
        if (options.Text.Count == 0)
        {
            throw new UsageException($"There is no run.json in {folder.Path} to say what text the run was on; name it with --text.");
        }

        TrainOptions defaults = new();
        output.Error.WriteLine($"There is no run.json in {folder.Path}: going on with {defaults.Batch} sequences per step and seed {defaults.Seed}.");
        return new RunFile
        {
            Id = checkpoint.Cursor,
            Name = options.Name ?? defaults.Name,
            Text = options.Text,
            TextHash = "",
            Seed = defaults.Seed,
            Batch = defaults.Batch,
            Silos = defaults.Silos,
            Steps = checkpoint.Run.Optimizer.TotalSteps,
            SaveEvery = 0,
            Prompt = TrainCommand.Prompt,
        };
    }
}
