using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Runs;

/// <summary>What a folder holds before a run begins in it: a run that nobody asked to give up is not replaced.</summary>
internal static class EarlierRun
{
    private static readonly DiskFileStore Disk = new();

    /// <summary>Refuses to begin a run where another is at work, where one is that has learnt something, and where files are that are no run's.</summary>
    /// <param name="folder">The new run's folder.</param>
    /// <param name="overwrite">Whether an earlier run may be given up.</param>
    /// <param name="elsewhere">How to choose another folder, as a part of a sentence.</param>
    /// <param name="anyway">How to give an earlier run up, likewise; null where that cannot be.</param>
    /// <exception cref="UsageException">Saying what is there, and what can be done.</exception>
    public static void RequireNone(RunFolder folder, bool overwrite, string elsewhere, string? anyway = null)
    {
        if (!Directory.Exists(folder.Path))
        {
            return;
        }

        folder.RequireIdle(elsewhere);
        if (IsOwn(folder) && !overwrite)
        {
            string choices = anyway is null ? $"or {elsewhere}" : $"{elsewhere}, or {anyway}";
            throw new UsageException($"{folder.Path} holds a run already, which has done {Wording.Count(folder.CheckpointStep() ?? 0, "step")}. Go on with it by {HowToGoOn(folder)}, {choices}.");
        }
    }

    /// <summary>What to type to go on with a run, whatever is left of it to do.</summary>
    private static string HowToGoOn(RunFolder folder)
    {
        if (folder.ReadRunFile() is not { } record)
        {
            return $"{folder.ResumeCommand} --text PATH";
        }

        bool isDone = folder.CheckpointStep() is { } step && record.GoalFrom(step, CheckpointFolder.Open(folder.Checkpoint).Run) <= step;
        return isDone ? $"{folder.ResumeCommand} --steps {2 * folder.CheckpointStep()}" : folder.ResumeCommand;
    }

    /// <summary>Whether a folder holds a run that has learnt something.</summary>
    /// <exception cref="UsageException">It has files of a run's names that are none.</exception>
    private static bool IsOwn(RunFolder folder)
    {
        try
        {
            RunStatus? status = folder.ReadStatus();
            bool isThere = folder.ReadRunFile() is not null | folder.CheckpointStep() is not null;
            foreach (string checkpoint in folder.CheckpointFolders())
            {
                CheckpointSave.RequireOwn(checkpoint, model: null);
            }

            // Many programs have such a file; a run has its status first.
            return isThere || status is not null || !File.Exists(folder.HistoryFile)
                ? isThere
                : throw new InvalidDataException($"{folder.HistoryFile} is no history of a run.");
        }
        catch (Exception e) when (e is InvalidDataException or CheckpointException)
        {
            throw new UsageException($"{folder.Path} holds files that are no run's, or those of a run that cannot be read; move them away, or choose another folder: {e.Message}");
        }
    }

    /// <summary>Deletes the files that a run consists of, and no others; its status stays until the next one's replaces it.</summary>
    public static void Remove(RunFolder folder)
    {
        foreach (string checkpoint in folder.CheckpointFolders())
        {
            CheckpointRemoval.Remove(Disk, checkpoint);
        }

        folder.RemoveRecord(Disk);
    }

    /// <summary>Deletes a run as a whole, and its folder, unless there is something else in it.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="UsageException">It is at work, or the files there are no run's.</exception>
    public static bool Delete(RunFolder folder)
    {
        if (!Directory.Exists(folder.Path))
        {
            return false;
        }

        bool isThere;
        using (folder.Take())
        {
            IsOwn(folder);
            isThere = folder.HoldsRecord || File.Exists(folder.StatusFile) || folder.CheckpointFolders().Any(Directory.Exists);
            Remove(folder);
            Disk.Delete(folder.StatusFile);
        }

        if (isThere && !Directory.EnumerateFileSystemEntries(folder.Path).Any())
        {
            Directory.Delete(folder.Path);
        }

        return isThere;
    }
}
