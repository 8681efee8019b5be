using MoEActors.Cli.Commands;
using MoEActors.Cli.Runs;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Training;

/// <summary>Puts together what a run left behind: the checkpoint, run.json, and the text that they were made from.</summary>
internal static class ResumedJob
{
    /// <summary>The rest of a run.</summary>
    /// <exception cref="UsageException">The pieces do not belong together, or nothing is left to do.</exception>
    /// <exception cref="CheckpointException">There is no checkpoint.</exception>
    public static TrainingJob Of(ResumeOptions options, CommandOutput output)
    {
        RunFolder folder = options.Name is { } name
            ? RunFolder.At(Path.Combine(options.Runs, name))
            : RunFolder.OfCheckpoint(options.Checkpoint!);
        CheckpointFolder checkpoint = CheckpointFolder.Open(folder.Checkpoint);
        RunRecord record = folder.ReadRecord() ?? Without(folder, options, checkpoint, output);
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
            Sequences = record.Sequences,
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
    private static long Goal(RunRecord record, CheckpointFolder checkpoint)
    {
        long schedule = checkpoint.Run.Optimizer.TotalSteps;
        return checkpoint.Step < record.Steps ? record.Steps : schedule;
    }

    private static TextSource Text(ResumeOptions options, RunRecord record, CommandOutput output)
    {
        TextSource text = TextSource.Read(options.Text.Count > 0 ? options.Text : record.Text, output);
        if (options.Text.Count == 0 && text.Hash != record.TextHash)
        {
            string paths = record.Text.Count == 0 ? "the .NET documentation" : string.Join(", ", record.Text);
            throw new UsageException($"The text has changed since the run began: {paths}. Name it with --text to go on with it as it is now.");
        }

        return text;
    }

    /// <summary>A checkpoint that comes without its run.json goes on with text that is named now.</summary>
    private static RunRecord Without(RunFolder folder, ResumeOptions options, CheckpointFolder checkpoint, CommandOutput output)
    {
        if (options.Text.Count == 0)
        {
            throw new UsageException($"There is no run.json in {folder.Path} to say what text the run was on; name it with --text.");
        }

        TrainOptions defaults = new();
        output.Error.WriteLine($"There is no run.json in {folder.Path}: going on with {defaults.Batch} sequences per step and seed {defaults.Seed}.");
        return new RunRecord
        {
            Id = checkpoint.Cursor,
            Name = options.Name ?? defaults.Name,
            Text = options.Text,
            TextHash = "",
            Seed = defaults.Seed,
            Sequences = defaults.Batch,
            Silos = defaults.Silos,
            Steps = checkpoint.Run.Optimizer.TotalSteps,
            SaveEvery = 0,
            Prompt = TrainCommand.Prompt,
        };
    }
}
