using System.Runtime.InteropServices;

namespace MoEActors.Modules.Checkpoints;

/// <summary>Where checkpoints are written: files that appear complete or not at all.</summary>
public interface IFileStore
{
    /// <summary>Writes a file beside its final name, flushes it and renames it.</summary>
    /// <param name="path">The final name; a file of that name is replaced.</param>
    /// <param name="content">Writes the content.</param>
    /// <exception cref="IOException">The file could not be written; whatever had that name before is still there.</exception>
    void Write(string path, Action<Stream> content);

    /// <summary>Deletes a file if it is there.</summary>
    void Delete(string path);
}

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

/// <summary>
/// Brings a new name to the disk: a flushed file that was renamed may still have its old name after a power failure, until its folder is flushed,
/// too. On Unix only; Windows keeps names in a journal.
/// </summary>
internal static partial class FolderFlush
{
    private const int ReadOnly = 0;

    /// <summary>Flushes the folder of a file, where the file system can do that for folders.</summary>
    public static void Of(string path)
    {
        if (OperatingSystem.IsWindows() || Path.GetDirectoryName(Path.GetFullPath(path)) is not { } folder)
        {
            return;
        }

        int handle = Open(folder, ReadOnly);
        if (handle >= 0)
        {
            _ = Flush(handle);
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}

/// <summary>
/// Keeps a folder for one writer at a time, among all processes of a machine: a file that no other process can open meanwhile. It is released when
/// its process ends, also when that is killed.
/// </summary>
public sealed class FolderLock : IDisposable
{
    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <summary>Takes a lock of a folder that exists.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">Name of the file, by which one purpose is told from another.</param>
    /// <exception cref="IOException">It is taken, or the folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static FolderLock Take(string folder, string file) => new(new FileStream(
        Path.Combine(folder, file), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose));

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();
}
