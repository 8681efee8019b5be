using MoEActors.Cli.Clusters;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Screen;
using MoEActors.Client;
using MoEActors.Client.History;
using MoEActors.Client.History.TensorBoard;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Cli.Training;

/// <summary>Runs a training job, from the first window to the checkpoint, and keeps its status.</summary>
internal static class TrainingSession
{
    /// <summary>Trains, saves, evaluates and samples.</summary>
    /// <exception cref="StoppedException">Cancelled; the step is finished, and what was learnt is in the checkpoint.</exception>
    public static async Task<TrainingResult> RunAsync(TrainingJob asked, CommandOutput output, CancellationToken cancellation)
    {
        using FolderLock alone = asked.Folder.Take();
        TrainingJob job = asked with { Folder = asked.Folder.Following(alone) };
        if (job.Resume is null)
        {
            CheckpointSave.RequireOwn(job.Folder.Checkpoint, model: null);
        }

        // Before the training, so that a text too short to validate on is refused now.
        ValidationText text = job.Text.Validation(job.Run.Model.MaximumSequence, job.MeasuredTokens);
        await using ITrainingView view = TrainingView.Open(output, job.Name);
        using CancellationTokenRegistration told = cancellation.Register(() => TellOfTheEnd(view));
        var keeper = new StatusKeeper(job.Folder, FirstStatus(job), TimeProvider.System, view.Remark);
        keeper.Enter(RunState.Running);
        try
        {
            TrainingResult result = await RunAsync(job, text, keeper, view, cancellation);
            keeper.Enter(RunState.Done, ending: result.Ending);
            return result;
        }
        catch (OperationCanceledException e) when (e is StoppedException || cancellation.IsCancellationRequested)
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

    private static async Task<TrainingResult> RunAsync(
        TrainingJob job, ValidationText text, StatusKeeper keeper, ITrainingView view, CancellationToken cancellation)
    {
        view.Enter(job.Connect is not null ? "connecting to the cluster" : job.Silos == 1 ? "starting a silo" : $"starting {job.Silos} silos");
        await using CommandCluster cluster = await CommandCluster.OpenAsync(
            job.Connect, job.Silos, job.Device, view.Remark, cancellation, job.Dashboard.HasOrleans ? OrleansDashboard.Keep : null);
        if (job.Resume is not { Model: not null })
        {
            await cluster.RequireFreeAsync(job.ModelName, cancellation);
        }

        await using var dashboard = BackgroundDashboard.Begin(job.Dashboard, cluster.Client, view.Announce, view.Remark);
        RunConfiguration run = await WithScheduleAsync(job, cluster.Client, view, cancellation);
        long goal = job.Steps ?? run.Optimizer.TotalSteps;
        keeper.Plan(goal);
        view.Enter(job.Resume switch { null => "making the model", { Model: null } => "reading the checkpoint", _ => "going on with the model" });
        MoEModel model = job.Resume switch
        {
            null => await cluster.Client.CreateModelAsync(job.ModelName, run, cancellationToken: cancellation),
            { Model: null } => await RestoreAsync(job, cluster.Client, view, cancellation),
            _ => await cluster.Client.OpenModelAsync(job.ModelName, cancellation),
        };
        bool isKept = false;
        try
        {
            return await RunAsync(job, model, text, keeper, goal, view, cancellation);
        }
        catch (RunStoppedException e)
        {
            isKept = true;
            throw new StoppedException(
                $"stopped by somebody else after step {e.Step} of {goal}; the cluster has the model. Go on with: moe resume {job.Folder.Name} --connect", cancellation);
        }
        catch (Exception e) when (cluster.IsShared && e is not OperationCanceledException)
        {
            // It may have learnt what no checkpoint has: the last save may be what failed.
            isKept = true;
            view.Remark($"The cluster keeps the model. Go on with: moe resume {job.Folder.Name} --connect; or: moe runs delete {job.ModelName} --connect");
            throw;
        }
        finally
        {
            if (!cluster.IsShared)
            {
                view.Enter("stopping the silos");
            }

            if (!isKept)
            {
                await cluster.ReleaseAsync(job.ModelName);
            }
        }
    }

    /// <summary>Restores a run's model, with its experts where they were if the same silos are there.</summary>
    private static async Task<MoEModel> RestoreAsync(TrainingJob job, MoECluster cluster, ITrainingView view, CancellationToken cancellation)
    {
        string checkpoint = job.PlaceOf(job.Folder.Checkpoint);
        string[] silos = [.. (await cluster.ListSilosAsync(cancellation)).Where(silo => silo.State == SiloState.Active).Select(silo => silo.Name)];
        if (job.Placement is not { } before || !before.IsOn(silos))
        {
            return await cluster.RestoreModelAsync(job.ModelName, checkpoint, cancellationToken: cancellation);
        }

        try
        {
            return await cluster.RestoreModelAsync(job.ModelName, checkpoint, before.ToRequest(), cancellation);
        }
        catch (Exception e) when (e is PlacementRefusedException or MemoryRefusedException or FormatException or OverflowException)
        {
            view.Remark($"Experts begin where a new run's would, as they cannot be where they were: {e.Message}");
            return await cluster.RestoreModelAsync(job.ModelName, checkpoint, cancellationToken: cancellation);
        }
    }

    /// <summary>Trains a model that is there.</summary>
    private static async Task<TrainingResult> RunAsync(
        TrainingJob asked, MoEModel model, ValidationText text, StatusKeeper keeper, long goal, ITrainingView view, CancellationToken cancellation)
    {
        TrainingStatus status = await model.GetStatusAsync(cancellation);
        TrainingJob job = asked.Connect is null ? asked : asked with { Silos = status.SiloNames.Distinct().Count() };
        if (job.Resume is null)
        {
            // Not earlier: until now, something could have been refused.
            EarlierRun.Remove(job.Folder);
            keeper.Forget();
        }

        RunFile record = job.Record(goal, status.Run);
        if (job.Connect is not null)
        {
            // Before the first checkpoint there is no other way back to a model that the cluster has.
            job.Folder.Write(record);
        }

        if (job.Director is not null && job.Silos > 1)
        {
            view.Enter("measuring for the director how fast the silos compute and copy");
            await model.SetDirectorAsync(job.Director, cancellation);
            status = await model.GetStatusAsync(cancellation);
        }

        if (job.Travel is { } travel && travel.Parallelism != ParallelismChoice.ExpertParallel && job.Silos > 1)
        {
            view.Enter("measuring how fast the silos compute and copy");
            await travel.ApplyAsync(model, cancellation);
        }

        await using var lines = HistoryWriter.Open(job.Folder.HistoryFile, after: status.Step);
        await using var figures = EventFileWriter.Open(job.Folder.Path, after: status.Step);
        var history = new RunLoggers(lines, figures);
        var meter = new TrainingMeter(status, goal, text.UnigramLoss.Value);
        var validation = new Validation(model, text.Batches, job.EvalEvery, job.Patience, meter, history);
        foreach (RunEvent earlier in RunHistory.Read(job.Folder.HistoryFile))
        {
            validation.Recall(earlier);
            meter.Recall(earlier);
        }

        if (job.Resume is not null)
        {
            history.Log(new ResumeEvent { Step = status.Step, Silos = job.Silos });
        }

        var training = new TrainingRun(job, record, model, meter, keeper, validation, history, goal);
        await training.TrainAsync(view, cancellation);
        try
        {
            return await training.FinishAsync(view, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // What is learnt is saved; only the report is missing.
            throw new StoppedException($"stopped behind the last step, {meter.Step}; the checkpoint is in {job.Folder.Checkpoint}.", cancellation);
        }
    }

    /// <summary>Whoever asks a run to end sees at once that it was understood; a step may take long.</summary>
    private static void TellOfTheEnd(ITrainingView view)
    {
        try
        {
            view.Enter("stopping when what is at work is done");
        }
        catch (LostOutputException)
        {
            // Nobody is there to read it; the run finds that out by itself.
        }
    }

    /// <summary>The learning rate follows from the step number alone, so the length of the schedule is decided before the first step.</summary>
    private static async Task<RunConfiguration> WithScheduleAsync(TrainingJob job, MoECluster cluster, ITrainingView view, CancellationToken cancellation)
    {
        if (job.ScheduleIsSet)
        {
            return job.Run;
        }

        int steps = job.Steps ?? await ScheduleLength.MeasureAsync(job, cluster, view, cancellation);
        return job.Run with { Optimizer = job.Run.Optimizer.OfSteps(steps) };
    }

    /// <summary>The status before the first step; an earlier run's checkpoint is there until that run is removed.</summary>
    private static RunStatus FirstStatus(TrainingJob job) => new()
    {
        Name = job.Name,
        State = RunState.Running,
        Step = job.Resume?.Step ?? 0,
        Steps = job.Steps ?? (job.ScheduleIsSet ? job.Run.Optimizer.TotalSteps : 0),
        Silos = job.Silos,
        Checkpoint = job.Folder.CheckpointStep() is null ? null : Path.GetRelativePath(job.Folder.Path, job.Folder.Checkpoint),
        CheckpointStep = job.Folder.CheckpointStep(),
        Process = Environment.ProcessId,
        Machine = Environment.MachineName,
        UpdatedAt = DateTimeOffset.UtcNow,
    };
}
