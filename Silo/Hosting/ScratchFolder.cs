using System.Globalization;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Silo.Hosting;

/// <summary>
/// A folder of a process for what is of no use without it. It goes with the process; what a process leaves that is killed, the next one takes away, and knows it
/// by a lock that nobody holds any more.
/// </summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string LockName = ".in-use";

    private readonly FolderLock _lock;

    private ScratchFolder(string path, FolderLock alone) => (Path, _lock) = (path, alone);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Takes what the dead have left, and makes a folder.</summary>
    /// <param name="parent">The folder that it is in, which is made, too.</param>
    /// <param name="prefix">What its name begins with; nothing else in there has such a name.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be made.</exception>
    public static ScratchFolder Make(string parent, string prefix)
    {
        Directory.CreateDirectory(parent);
        foreach (string other in Directory.GetDirectories(parent, $"{prefix}*"))
        {
            TryRemoveDead(other);
        }

        string path = System.IO.Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{prefix}{Guid.NewGuid():n}"));
        Directory.CreateDirectory(path);
        return new ScratchFolder(path, FolderLock.Take(path, LockName));
    }

    /// <summary>Deletes the folder.</summary>
    public void Dispose()
    {
        _lock.Dispose();
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next process tries again.
        }
    }

    private static void TryRemoveDead(string folder)
    {
        try
        {
            // Without a lock it is somebody's who is just making it, or nobody's of ours.
            if (File.Exists(System.IO.Path.Combine(folder, LockName)))
            {
                FolderLock.Take(folder, LockName).Dispose();
                Directory.Delete(folder, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in use, or another user's.
        }
    }
}

/// <summary>
/// Where a silo's snapshots are. Those of runs that nobody but this process knows of are in a folder of its own, which goes with it.
/// </summary>
internal sealed class SnapshotPlaces : IDisposable
{
    private const string Prefix = "process-";

    private readonly ScratchFolder? _own;

    /// <summary>Chooses the place.</summary>
    /// <param name="place">The place that was set.</param>
    /// <param name="isOwn">Whether the runs are this process's own.</param>
    /// <param name="places">What places mean.</param>
    public SnapshotPlaces(string place, bool isOwn, CheckpointPlaces places)
    {
        Place = place;
        if (!isOwn)
        {
            return;
        }

        try
        {
            _own = ScratchFolder.Make(places.Resolve(place), Prefix);
            Place = _own.Path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            // No snapshot can be taken there; the first that is due says so.
        }
    }

    /// <summary>The place.</summary>
    public string Place { get; }

    /// <summary>Deletes the process's own folder, and the one around it when that is empty now.</summary>
    public void Dispose()
    {
        if (_own is null)
        {
            return;
        }

        _own.Dispose();
        try
        {
            string all = Path.GetDirectoryName(_own.Path)!;
            if (Directory.Exists(all) && !Directory.EnumerateFileSystemEntries(all).Any())
            {
                Directory.Delete(all);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process has begun to use it.
        }
    }
}
