namespace MoEActors.Modules.Checkpoints;

/// <summary>Files on a disk.</summary>
public sealed class DiskFileStore : IFileStore
{
    /// <summary>What the name of a file ends with until it is complete.</summary>
    public const string Unfinished = ".unfinished";

    /// <inheritdoc />
    public void Write(string path, Action<Stream> content)
    {
        ArgumentNullException.ThrowIfNull(content);
        string unfinished = path + Unfinished;
        try
        {
            using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
            {
                content(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: true);
            FolderFlush.Of(path);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    /// <inheritdoc />
    public void Delete(string path) => File.Delete(path);
}
