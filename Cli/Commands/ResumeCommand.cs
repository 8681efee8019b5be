using System.CommandLine;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Checkpoints;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Commands;

/// <summary>`moe resume`: a run goes on from its checkpoint, as if it had never stopped.</summary>
internal static class ResumeCommand
{
    public static Command Create()
    {
        Option<int?> steps = NumberOption.OptionalCount(
            "--steps", "Stop after this step, those already done included; without it, where the run was to stop.");
        Option<double?> seconds = NumberOption.OptionalSeconds("Train so many seconds at most.");
        Option<string[]> text = SharedOptions.Text("the run's own");
        Option<int?> silos = NumberOption.OptionalCount("--silos", "Number of embedded silos; without it, as many as before.", most: EmbeddedClusterOptions.MostSilos);
        Option<string> device = SharedOptions.Device();
        Option<string?> json = SharedOptions.JsonFile();
        Option<string?> connect = ConnectOption.Create();
        Command command = new("resume", "Go on with a run from its checkpoint: the result is that of never having stopped.")
        {
            steps, seconds, text, silos, device, json, connect,
        };
        DashboardOptions dashboard = new DashboardOptions().AddTo(command);
        CheckpointChoice choice = new CheckpointChoice().AddTo(command);
        return command.Runs(async (parsed, output, cancellation) =>
        {
            OutputFile.RequireWritable("--json", parsed.GetValue(json));
            (RunFolder folder, string checkpoint) = choice.Of(parsed);
            ResumeOptions options = new(
                folder, checkpoint, parsed.GetValue(steps), parsed.GetValue(seconds), parsed.GetValue(text) ?? [], parsed.GetValue(silos));
            ConnectOptions? cluster = ConnectOption.Of(parsed, connect, choice.Runs(parsed));
            TrainingJob? left = cluster is null ? null : await ResumedJob.InAsync(cluster, options, output, cancellation);
            TrainingJob job = (left ?? ResumedJob.Of(options, output)) with
            {
                Connect = cluster,
                Dashboard = dashboard.Of(parsed, ConnectOption.IsGiven(parsed, connect) ? DashboardChoice.None : DashboardChoice.Default),
                Device = SharedOptions.DeviceOf(parsed.GetRequiredValue(device)),
            };
            output.Out.WriteLine($"Going on with {job.Folder.Name} after step {job.Resume!.Step}.");
            return await TrainingReport.RunAsync(job, parsed.GetValue(json), output, cancellation);
        });
    }
}

/// <summary>What `moe resume` is asked for.</summary>
/// <param name="Folder">The run.</param>
/// <param name="Checkpoint">Folder of the checkpoint.</param>
/// <param name="Steps">The step to stop after, those done included; null for what the run was asked for.</param>
/// <param name="Seconds">Training time at most; null for no limit.</param>
/// <param name="Text">Files and folders of other text; empty for the run's own.</param>
/// <param name="Silos">Number of embedded silos; null for as many as before.</param>
internal sealed record ResumeOptions(
    RunFolder Folder, string Checkpoint, int? Steps, double? Seconds, IReadOnlyList<string> Text, int? Silos);

/// <summary>Makes a job of what a run has left: the checkpoint or a model in a cluster, run.json, and the text that they were made from.</summary>
internal static class ResumedJob
{
    /// <summary>The rest of a run, from its checkpoint.</summary>
    /// <exception cref="UsageException">Checkpoint, run.json and text do not belong together, or nothing is left to do.</exception>
    /// <exception cref="CheckpointException">There is no checkpoint.</exception>
    public static TrainingJob Of(ResumeOptions options, CommandOutput output)
    {
        RunFolder folder = options.Folder;

        // First, as what else there is to say of a run at work will be another thing soon.
        folder.RequireIdle();
        UsageException.ThrowUnless(
            Path.GetFullPath(options.Checkpoint) == Path.GetFullPath(folder.Checkpoint),
            $"{options.Checkpoint} is not the newest checkpoint of its run, which is {folder.Checkpoint}: steps after it would be trained twice. Copy it to a folder of its own and go on there.");
        CheckpointFolder checkpoint = CheckpointChoice.Open(folder.Checkpoint, output);
        RunFile record = folder.ReadRunFile() ?? Without(folder, options, checkpoint, output);
        UsageException.ThrowUnless(
            record.Id == checkpoint.Cursor,
            $"{folder.Path} has the checkpoint of one run and the run.json of another, as one was killed between writing the two. Start it again with moe train --overwrite, or give --text and a copy of the checkpoint without run.json.");

        long goal = options.Steps ?? record.GoalFrom(checkpoint.Step, checkpoint.Run);
        UsageException.ThrowUnless(
            goal > checkpoint.Step,
            $"{folder.Name} has done {Wording.Count(checkpoint.Step, "step")} and nothing is left to do. --steps N goes on until step N, at the learning rate that the schedule ended with.");
        return Rest(options, record, checkpoint.Run, new ResumePoint(record.Id, checkpoint.Step), goal, output);
    }

    /// <summary>
    /// The rest of a run whose model a cluster has, as it was stopped there or its client is gone: it goes on from what was learnt last, whatever its checkpoint
    /// has. Null where the cluster has no model of this run.
    /// </summary>
    /// <exception cref="UsageException">The text is another, or nothing is left to do.</exception>
    /// <exception cref="ConnectionFailedException">The cluster does not answer.</exception>
    public static async Task<TrainingJob?> InAsync(ConnectOptions connect, ResumeOptions options, CommandOutput output, CancellationToken cancellation)
    {
        if (options.Folder.ReadRunFile() is not { Model: { } id } record)
        {
            return null;
        }

        string name = TrainingJob.ModelNameOf(record.Name);
        await using MoECluster cluster = await MoECluster.ConnectAsync(connect, cancellationToken: cancellation);
        if ((await cluster.ListModelsAsync(cancellation)).All(model => model.Name != name)
            || await cluster.GetStatusAsync(name, cancellation) is not { } status || status.Run != id)
        {
            return null;
        }

        // One that was at its end when its client died has still to be saved.
        long goal = options.Steps ?? record.GoalFrom(status.Step, status.Configuration);
        UsageException.ThrowUnless(goal >= status.Step, $"{record.Name} has done {Wording.Count(status.Step, "step")} in the cluster already.");
        return Rest(options, record, status.Configuration, new ResumePoint(record.Id, status.Step, id), goal, output);
    }

    private static TrainingJob Rest(ResumeOptions options, RunFile record, RunConfiguration run, ResumePoint point, long goal, CommandOutput output) => new()
    {
        Name = record.Name,
        Text = Text(options, record, run, output),
        Run = run,
        ScheduleIsSet = true,
        Resume = point,
        Placement = record.Placement,
        Sequences = record.Batch,
        Silos = options.Silos ?? record.Silos,
        Steps = checked((int)goal),
        Time = options.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.MaxValue,
        SaveEvery = record.SaveEvery,
        Keep = record.Keep,
        EvalEvery = record.EvalEvery,
        Patience = record.Patience,
        Seed = record.Seed,
        Folder = options.Folder,
        Prompt = record.Prompt,
        Director = record.Director ? new DirectorSettings() : null,
        TurnsAfter = record.TurnsAfter,
    };

    private static TextSource Text(ResumeOptions options, RunFile record, RunConfiguration run, CommandOutput output)
    {
        (record.Reading ?? TextReading.Plain).OpenFor(run.Model, $"the checkpoint of {record.Name}");
        TextSource text = TextSource.Read(options.Text.Count > 0 ? options.Text : record.Text, record.Reading, output);
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
            Name: folder.Name,
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
