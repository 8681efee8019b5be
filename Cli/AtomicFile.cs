namespace MoEActors.Cli;

/// <summary>Files that other programs may read at any time: whoever opens one sees the old content or the new, never a part.</summary>
internal static class AtomicFile
{
    /// <summary>Writes beside the final name, then renames.</summary>
    public static void Write(string path, string text)
    {
        string unfinished = $"{path}.unfinished";
        File.WriteAllText(unfinished, text);
        File.Move(unfinished, path, overwrite: true);
    }
}
