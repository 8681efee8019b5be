namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Finds the folder of a checkpoint's place on this machine. A place is a URI (<c>file:///data/run-7</c>), an absolute path, or a path relative to a
/// root that every silo has its own of: it travels as it is, and whoever reads or writes resolves it for itself.
/// </summary>
/// <param name="root">Folder that relative places are in; the current folder of the process unless given.</param>
public sealed class CheckpointPlaces(string? root = null)
{
    /// <summary>The folder.</summary>
    /// <exception cref="CheckpointException">The place is none, or of a scheme that nothing here can read.</exception>
    public string Resolve(string place)
    {
        if (string.IsNullOrWhiteSpace(place))
        {
            throw new CheckpointException("A checkpoint needs a place: a folder, or a file: URI.");
        }

        try
        {
            // On Windows, C:\runs is a path and no URI of the scheme c.
            int colon = place.IndexOf("://", StringComparison.Ordinal);
            if (colon < 0)
            {
                return Path.GetFullPath(place, Path.GetFullPath(root ?? "."));
            }

            return Uri.TryCreate(place, UriKind.Absolute, out Uri? uri) && uri.IsFile
                ? Path.GetFullPath(uri.LocalPath)
                : throw new CheckpointException($"The place '{place}' has the scheme '{place[..colon]}'; a checkpoint is in a folder, written as a path or a file: URI.");
        }
        catch (ArgumentException e)
        {
            throw new CheckpointException($"The place '{place}' is no folder that there can be: {e.Message}", e);
        }
    }
}
