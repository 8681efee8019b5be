using System.Text;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Invocation;

/// <summary>Checks paths before the work, not after it.</summary>
internal static class OutputPath
{
    /// <summary>The default folder for runs, below the current folder.</summary>
    public const string Runs = "runs";

    /// <summary>A file that a command will write: its folder must exist.</summary>
    /// <exception cref="UsageException">It does not.</exception>
    public static void RequireWritableFile(string option, string? file)
    {
        if (file is null)
        {
            return;
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? file;
        if (!Directory.Exists(folder) || Directory.Exists(file))
        {
            throw new UsageException($"{option} {file} is no file that can be written: {(Directory.Exists(file) ? "it is a folder" : $"there is no folder {folder}")}.");
        }
    }

    /// <summary>Whether a run can have a name: one folder below runs/.</summary>
    public static bool IsRunName(string name) =>
        name.Length > 0 && name is not ("." or "..") && name.AsSpan().IndexOfAny(Path.GetInvalidFileNameChars()) < 0;

    /// <summary>A run's name: one folder below runs/.</summary>
    /// <exception cref="UsageException">It is more than that.</exception>
    public static void RequireRunName(string option, string name) =>
        UsageException.ThrowUnless(IsRunName(name), $"{option} '{name}' is no name of a folder below runs/.");
}

/// <summary>Files that other programs may read at any time: a reader sees the old content or the new, never a part.</summary>
internal static class AtomicFile
{
    private static readonly DiskFileStore Disk = new();

    /// <summary>Writes text the way checkpoints are written; nothing half written remains.</summary>
    public static void Write(string path, string text) => Disk.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
