using MoEActors.Modules.Checkpoints;

namespace MoEActors.Tests.Support;

/// <summary>The disk, until a test puts another one in its place.</summary>
internal sealed class DisturbedDisk : IFileStore
{
    private readonly DiskFileStore _disk = new();

    /// <summary>What is written to instead; null for the disk.</summary>
    public IFileStore? Instead { get; set; }

    private IFileStore Current => Instead ?? _disk;

    public void Write(string path, Action<Stream> content) => Current.Write(path, content);

    public void Delete(string path) => Current.Delete(path);
}

/// <summary>A disk on which what one of the workers writes ends up elsewhere.</summary>
internal sealed class ElsewhereStore : IFileStore
{
    private const string Workers = "-00002-of-";

    private readonly DiskFileStore _disk = new();

    public void Write(string path, Action<Stream> content)
    {
        if (Path.GetFileName(path).Contains(Workers, StringComparison.Ordinal))
        {
            content(Stream.Null);
        }
        else
        {
            _disk.Write(path, content);
        }
    }

    public void Delete(string path) => _disk.Delete(path);
}

/// <summary>A disk that takes its time with the index of a checkpoint.</summary>
internal sealed class SlowIndexStore : IFileStore, IDisposable
{
    private readonly DiskFileStore _disk = new();
    private readonly ManualResetEventSlim _go = new();

    /// <summary>Whether an index is being written.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Lets it be written, and every other.</summary>
    public void Go() => _go.Set();

    public void Write(string path, Action<Stream> content)
    {
        if (Path.GetFileName(path) == CheckpointFolder.IndexFile)
        {
            HasBegun = true;
            _go.Wait(Deadline.Patience);
        }

        _disk.Write(path, content);
    }

    public void Delete(string path) => _disk.Delete(path);

    public void Dispose() => _go.Dispose();
}
