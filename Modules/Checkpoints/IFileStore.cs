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
