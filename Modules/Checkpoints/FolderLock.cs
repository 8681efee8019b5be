namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Keeps a folder for one writer at a time, among all processes of a machine: a file that nobody else can open meanwhile. It goes with its owner, also
/// when that is killed.
/// </summary>
public sealed class FolderLock : IDisposable
{
    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <summary>Takes a lock of a folder that exists.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">Name of the file, by which one purpose is told from another.</param>
    /// <exception cref="IOException">Somebody else has it, or the folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static FolderLock Take(string folder, string file) => new(new FileStream(
        Path.Combine(folder, file), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose));

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();
}
