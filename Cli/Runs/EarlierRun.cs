using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Runs;

/// <summary>What a folder holds before a run begins in it: a run that nobody asked to give up is not replaced.</summary>
internal static class EarlierRun
{
    private static readonly DiskFileStore Disk = new();

    /// <summary>Refuses to begin a run where another is at work, where one is that has learnt something, and where files are that are no run's.</summary>
    /// <param name="folder">The new run's folder.</param>
    /// <param name="overwrite">Whether an earlier run may be given up.</param>
    /// <param name="otherwise">What to do without that, as the end of a sentence.</param>
    /// <exception cref="UsageException">Saying what is there, and what can be done.</exception>
    public static void RequireNone(RunFolder folder, bool overwrite, string otherwise)
    {
        if (!Directory.Exists(folder.Path))
        {
            return;
        }

        folder.RequireIdle();
        bool isThere;
        try
        {
            folder.ReadStatus();
            isThere = folder.ReadRunFile() is not null | folder.CheckpointStep() is not null;
        }
        catch (Exception e) when (e is InvalidDataException or CheckpointException)
        {
            throw new UsageException($"{folder.Path} holds files that are no run's, or those of a run that cannot be read; move them away, or choose another folder: {e.Message}");
        }

        UsageException.ThrowUnless(
            overwrite || !isThere, $"{folder.Path} holds a run already. Go on with it by {folder.ResumeCommand}, or {otherwise}.");
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
    /// <exception cref="UsageException">It is at work.</exception>
    public static bool Delete(RunFolder folder)
    {
        if (!Directory.Exists(folder.Path))
        {
            return false;
        }

        bool isThere;
        using (folder.Take())
        {
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
