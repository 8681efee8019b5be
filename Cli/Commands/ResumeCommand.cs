using System.CommandLine;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Commands;

/// <summary>`moe resume`: a run goes on from its checkpoint, as if it had never stopped.</summary>
internal static class ResumeCommand
{
    public static Command Create()
    {
        Argument<string?> name = new("NAME") { Description = "Name of the run: its folder below runs/.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> checkpoint = TextOption.Optional("--checkpoint", "FOLDER", "Folder of a checkpoint, instead of NAME.");
        Option<string> runs = SharedOptions.Runs();
        Option<int?> steps = NumberOption.OptionalCount(
            "--steps", "Stop after this step, those already done included; without it, where the run was to stop.");
        Option<double?> seconds = NumberOption.OptionalSeconds("Train so many seconds at most.");
        Option<string[]> text = SharedOptions.Text("the run's own");
        Option<int?> silos = NumberOption.OptionalCount("--silos", "Number of embedded silos; without it, as many as before.");
        Option<string?> json = SharedOptions.JsonFile();
        Command command = new("resume", "Go on with a run from its checkpoint: the result is that of never having stopped.")
        {
            name, checkpoint, runs, steps, seconds, text, silos, json,
        };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            OutputFile.RequireWritable("--json", parsed.GetValue(json));
            ResumeOptions options = new(
                parsed.GetValue(name), parsed.GetValue(checkpoint), parsed.GetRequiredValue(runs), parsed.GetValue(steps), parsed.GetValue(seconds),
                parsed.GetValue(text) ?? [], parsed.GetValue(silos));
            options.Validate();
            TrainingJob job = ResumedJob.Of(options, output);
            output.Out.WriteLine($"Going on with {job.Name} after step {job.Resume!.Step}.");
            return await TrainingReport.RunAsync(job, parsed.GetValue(json), output, cancellation);
        });
    }
}

/// <summary>What `moe resume` is asked for.</summary>
/// <param name="Name">Name of the run; null when a checkpoint is given.</param>
/// <param name="Checkpoint">Folder of the checkpoint; null when a name is given.</param>
/// <param name="Runs">Folder that holds the runs.</param>
/// <param name="Steps">The step to stop after, those done included; null for what the run was asked for.</param>
/// <param name="Seconds">Training time at most; null for no limit.</param>
/// <param name="Text">Files and folders of other text; empty for the run's own.</param>
/// <param name="Silos">Number of embedded silos; null for as many as before.</param>
internal sealed record ResumeOptions(
    string? Name, string? Checkpoint, string Runs, int? Steps, double? Seconds, IReadOnlyList<string> Text, int? Silos)
{
    public void Validate()
    {
        UsageException.ThrowUnless(Name is not null || Checkpoint is not null, "the NAME of a run or --checkpoint FOLDER must be given.");
        UsageException.ThrowUnless(Name is null || Checkpoint is null, "NAME and --checkpoint exclude each other.");
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
        UsageException.ThrowUnless(
            record.Id == checkpoint.Cursor,
            $"{folder.Path} has the checkpoint of one run and the run.json of another, as one was killed between writing the two. Start it again with moe train, or give --text and a copy of the checkpoint without run.json.");

        long goal = options.Steps ?? Goal(record, checkpoint);
        UsageException.ThrowUnless(
            goal > checkpoint.Step,
            $"{record.Name} has done {checkpoint.Step} steps and nothing is left to do. --steps N goes on until step N, at the learning rate that the schedule ended with.");
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
    private static long Goal(RunFile record, CheckpointFolder checkpoint) =>
        checkpoint.Step < record.Steps ? record.Steps : checkpoint.Run.Optimizer.TotalSteps;

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
        UsageException.ThrowUnless(
            options.Text.Count > 0, $"There is no run.json in {folder.Path} to say what text the run was on; name it with --text.");
        output.Error.WriteLine(
            $"There is no run.json in {folder.Path}: going on with {TrainCommand.DefaultBatch} sequences per step and seed {SharedOptions.DefaultSeed}.");
        return new RunFile(
            Id: checkpoint.Cursor,
            Name: options.Name ?? TrainCommand.DefaultName,
            Text: options.Text,
            TextHash: "",
            Seed: SharedOptions.DefaultSeed,
            Batch: TrainCommand.DefaultBatch,
            Silos: SharedOptions.DefaultSilos,
            Steps: checkpoint.Run.Optimizer.TotalSteps,
            SaveEvery: 0,
            Prompt: TrainCommand.Prompt);
    }
}
