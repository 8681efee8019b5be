using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Training;

/// <summary>Writes a run's checkpoints, and deletes those that it need not keep: only when a newer one is complete, and never the best.</summary>
internal sealed class CheckpointKeeper(
    TrainingJob job, RunFile record, MoEModel model, TrainingMeter meter, StatusKeeper status, Validation validation, IRunLogger history)
{
    private static readonly DiskFileStore Disk = new();

    private RunFile? _recorded;

    /// <summary>Step of the newest checkpoint.</summary>
    public long Step { get; private set; } = job.Resume is null ? 0 : job.Folder.CheckpointStep() ?? 0;

    /// <summary>As <see cref="SaveAsync"/>, but a checkpoint that cannot be written is noted, and the next one tried.</summary>
    public async Task TrySaveAsync()
    {
        try
        {
            await SaveAsync();
        }
        catch (Exception e) when (e is CheckpointFailedException or IOException or UnauthorizedAccessException)
        {
            meter.Note($"{e.Message} Training goes on; the next save tries again.");
        }
    }

    /// <summary>Writes a checkpoint of the last step, unless there is one.</summary>
    /// <exception cref="CheckpointFailedException">It could not be written; an older one is still whole.</exception>
    public async Task SaveAsync()
    {
        if (meter.Step <= Step)
        {
            return;
        }

        // First, so that no checkpoint has a step that the history lacks.
        await TryFlushAsync();
        (string place, SaveOutcome saved) = await SaveInFolderAsync();
        RunFile now = record with { Placement = RunPlacement.Of(await model.GetStatusAsync(CancellationToken.None)) };
        if (now != _recorded)
        {
            // Not earlier: until now, the folder may hold an earlier run that can still be resumed.
            job.Folder.Write(now);
            _recorded = now;
        }

        Step = meter.Step;
        status.Saved(Step, place);
        history.Log(new CheckpointEvent { Step = Step, Place = Path.GetRelativePath(job.Folder.Path, place), Bytes = saved.Bytes });
        await TryFlushAsync();
        Prune();
    }

    /// <summary>Writes the checkpoint where the run's folder is: it may be moved even while that goes on.</summary>
    private async Task<(string Place, SaveOutcome Saved)> SaveInFolderAsync()
    {
        if (job.Folder.Loss is { } loss)
        {
            meter.Note($"{loss} It is made anew for the checkpoint.");
        }

        string place = job.Folder.CheckpointOf(meter.Step, job.Keep);
        try
        {
            return (place, await SaveAtAsync(place));
        }
        catch (CheckpointFailedException) when (place != job.Folder.CheckpointOf(meter.Step, job.Keep))
        {
            place = job.Folder.CheckpointOf(meter.Step, job.Keep);
            return (place, await SaveAtAsync(place));
        }
    }

    private Task<SaveOutcome> SaveAtAsync(string place) => model.SaveAsync(job.PlaceOf(place), record.Id, cancellationToken: CancellationToken.None);

    /// <summary>Brings the history to the disk; what it lacks is noted, and the run goes on.</summary>
    private async Task TryFlushAsync()
    {
        try
        {
            await history.FlushAsync();
        }
        catch (IOException e)
        {
            meter.Note(e.Message);
        }
    }

    private void Prune()
    {
        if (job.Keep == 1)
        {
            return;
        }

        HashSet<string> kept = [.. job.Folder.Kept().Where(one => one.Step == validation.Best?.Step).Select(one => one.Folder)];
        kept.UnionWith(job.Folder.Kept().TakeLast(job.Keep).Select(one => one.Folder));
        foreach (string folder in job.Folder.StepFolders().Select(one => one.Folder).Except(kept))
        {
            try
            {
                CheckpointRemoval.Remove(Disk, folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                meter.Note($"An older checkpoint cannot be deleted: {e.Message}");
            }
        }
    }
}
