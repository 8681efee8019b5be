using System.Globalization;
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

        // A name that nobody has: whatever lies beside the file is somebody's.
        string unfinished = $"{path}.{CheckpointFileName.NewTag()}{Unfinished}";
        using FileStream file = Create(unfinished);
        try
        {
            content(file);
            file.Flush(flushToDisk: true);
            file.Dispose();
            File.Move(unfinished, path, overwrite: true);
            FolderFlush.Of(path);
        }
        catch
        {
            Abandon(file, unfinished);
            throw;
        }
    }

    /// <inheritdoc />
    public void Delete(string path) => File.Delete(path);

    private static void Abandon(FileStream file, string path)
    {
        try
        {
            // What is still to be flushed may not fit on the disk either.
            file.Dispose();
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static FileStream Create(string path)
    {
        try
        {
            return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new IOException($"There is no folder '{Path.GetDirectoryName(Path.GetFullPath(path))}' to write to; make it, or choose another.", e);
        }
    }
}

/// <summary>Folders whose names are on the disk.</summary>
public static class DurableFolder
{
    /// <summary>Makes a folder that may be there already, and those above it: after a power failure, what is written to it can be found.</summary>
    /// <exception cref="IOException">It cannot be made, or its name cannot be brought to the disk.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static void Make(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Directory.Exists(full))
        {
            return;
        }

        if (Path.GetDirectoryName(full) is { } above)
        {
            Make(above);
        }

        Directory.CreateDirectory(full);
        FolderFlush.Of(full);
    }
}

/// <summary>
/// Brings a new name to the disk: a flushed file that was renamed may still have its old name after a power failure, until its folder is flushed,
/// too. On Unix only; Windows keeps names in a journal.
/// </summary>
internal static partial class FolderFlush
{
    private const int ReadOnly = 0;

    // The same on every Unix.
    private const int InputOutputError = 5;
    private const int NoSpace = 28;

    /// <summary>Flushes the folder of a file, where the file system can do that for folders.</summary>
    /// <exception cref="IOException">The disk has failed, or is full.</exception>
    public static void Of(string path)
    {
        if (OperatingSystem.IsWindows() || Path.GetDirectoryName(Path.GetFullPath(path)) is not { } folder)
        {
            return;
        }

        int handle = Open(folder, ReadOnly);
        if (handle >= 0)
        {
            int error = Flush(handle) == 0 ? 0 : Marshal.GetLastPInvokeError();
            _ = Close(handle);
            if (error is InputOutputError or NoSpace)
            {
                throw new IOException($"The folder '{folder}' cannot be brought to the disk: {Marshal.GetPInvokeErrorMessage(error)}.");
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
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

    /// <summary>
    /// The folder that is kept, wherever it has been moved meanwhile; null when it was deleted, and where the system does not tell where it is now. Linux tells.
    /// </summary>
    public string? Folder
    {
        get
        {
            // The number of a file that is closed may be another's by now.
            string file = OperatingSystem.IsLinux() && _file.SafeFileHandle is { IsClosed: false } open
                ? new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{open.DangerousGetHandle()}")).LinkTarget ?? _file.Name
                : _file.Name;
            return File.Exists(file) ? Path.GetDirectoryName(file) : null;
        }
    }

    /// <summary>Takes a lock of a folder that exists.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">Name of the file, by which one purpose is told from another.</param>
    /// <exception cref="IOException">It is taken, or the folder cannot be written to, or has something else of that name.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static FolderLock Take(string folder, string file)
    {
        string path = Path.Combine(folder, file);

        // A lock is empty and goes when it is released: a file with content is somebody's, and must not go with it.
        return new FileInfo(path) is not { Exists: true, Length: > 0 }
            ? new FolderLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose))
            : throw new IOException($"'{path}' is in the way: a lock of that name is needed, and it has content. Move it elsewhere.");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // Closing deletes the file where it was made.
        string? moved = Folder is { } folder && folder != Path.GetDirectoryName(_file.Name) ? Path.Combine(folder, Path.GetFileName(_file.Name)) : null;
        _file.Dispose();
        if (moved is not null)
        {
            File.Delete(moved);
        }
    }
}
