namespace MoEActors.Modules.Checkpoints;

/// <summary>Takes checkpoints away from a disk.</summary>
public static class CheckpointRemoval
{
    /// <summary>
    /// Deletes the files that a save has written into a folder, and the folder when nothing else is in it. The index goes first: whatever happens
    /// then, what is left is no checkpoint, and the next save or removal deletes it.
    /// </summary>
    /// <param name="store">Where files are deleted.</param>
    /// <param name="folder">The folder; it need not be there.</param>
    /// <exception cref="IOException">A file cannot be deleted, or a save is at work in the folder.</exception>
    /// <exception cref="UnauthorizedAccessException">A file cannot be deleted.</exception>
    public static void Remove(IFileStore store, string folder)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (!Directory.Exists(folder))
        {
            return;
        }

        using (CheckpointFolder.Lock(folder))
        {
            store.Delete(Path.Combine(folder, CheckpointFolder.IndexFile));
            CheckpointFolder.Tidy(store, folder);
            store.Delete(Path.Combine(folder, CheckpointFolder.ModelFile));
        }

        if (!Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }
}
