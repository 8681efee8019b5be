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
