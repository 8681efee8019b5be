using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Training;

/// <summary>Runs a training job on an embedded cluster, from the first window to the checkpoint, and keeps its status.</summary>
internal static class TrainingSession
{
    /// <summary>Trains, saves, evaluates and samples.</summary>
    /// <exception cref="StoppedException">Cancelled; the step is finished, and what was learnt is in the checkpoint.</exception>
    public static async Task<TrainingResult> RunAsync(TrainingJob job, CommandOutput output, CancellationToken cancellation)
    {
        using FolderLock alone = Take(job.Folder);
        if (job.Resume is null)
        {
            CheckpointSave.RequireOwn(job.Folder.Checkpoint, model: null);
        }

        // Before the training, so that a text too short to validate on is refused now.
        IReadOnlyList<ReadOnlyMemory<byte>> validation = job.Text.Corpus.ValidationWindows(job.Run.Model.MaximumSequence);
        RunConfiguration run = await WithScheduleAsync(job, output, cancellation);
        long goal = job.Steps ?? run.Optimizer.TotalSteps;
        var keeper = new StatusKeeper(job.Folder, FirstStatus(job, goal), TimeProvider.System, output.Error);
        keeper.Enter(RunState.Running);
        try
        {
            await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = job.Silos }, cancellation);
            MoEModel model = job.Resume is null
                ? await cluster.Client.CreateModelAsync(job.ModelName, run, cancellationToken: cancellation)
                : await cluster.Client.RestoreModelAsync(job.ModelName, job.Folder.Checkpoint, cancellationToken: cancellation);
            if (job.Director is not null && job.Silos > 1)
            {
                await model.SetDirectorAsync(job.Director, cancellation);
            }

            TrainingStatus status = await model.GetStatusAsync(cancellation);
            var training = new TrainingRun(job, model, new TrainingMeter(status, goal), keeper, goal);
            await using (ITrainingView view = TrainingView.Open(output))
            {
                await training.TrainAsync(view, cancellation);
            }

            TrainingResult result = await training.FinishAsync(validation, output, cancellation);
            keeper.Enter(RunState.Done);
            return result;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            keeper.Enter(RunState.Cancelled);
            throw;
        }
        catch (Exception e)
        {
            keeper.Enter(RunState.Failed, e.Message);
            throw;
        }
    }

    /// <summary>Allows one run at a time in a folder, and none in a folder that cannot be written to.</summary>
    /// <exception cref="UsageException">There is another run at work, or the folder cannot be written to.</exception>
    private static FolderLock Take(RunFolder folder)
    {
        try
        {
            Directory.CreateDirectory(folder.Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The run's folder {folder.Path} cannot be made: {e.Message}");
        }

        try
        {
            return FolderLock.Take(folder.Path, ".running");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"Another run is at work in {folder.Path}, or it cannot be written to; choose another folder: {e.Message}");
        }
    }

    /// <summary>The learning rate follows from the step number alone, so the length of the schedule is decided before the first step.</summary>
    private static async Task<RunConfiguration> WithScheduleAsync(TrainingJob job, CommandOutput output, CancellationToken cancellation)
    {
        if (job.ScheduleIsSet)
        {
            return job.Run;
        }

        int steps = job.Steps ?? await ScheduleLength.MeasureAsync(job, output, cancellation);
        return job.Run with { Optimizer = job.Run.Optimizer.OfSteps(steps) };
    }

    private static RunStatus FirstStatus(TrainingJob job, long goal) => new()
    {
        Name = job.Name,
        State = RunState.Running,
        Step = job.Resume?.Step ?? 0,
        Steps = goal,
        Silos = job.Silos,
        Checkpoint = job.Resume is null ? null : Path.GetFullPath(job.Folder.Checkpoint),
        CheckpointStep = job.Resume?.Step,
        Process = Environment.ProcessId,
        Machine = Environment.MachineName,
        UpdatedAt = DateTimeOffset.UtcNow,
    };
}
