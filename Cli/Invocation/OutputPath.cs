using System.Text;
using MoEActors.Grains.Interfaces;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Invocation;

/// <summary>Where runs are.</summary>
internal static class OutputPath
{
    /// <summary>The default folder for runs, below the current folder.</summary>
    public const string Runs = "runs";

    private const string NameRule = "Letters, digits, '-', '_' and '.' are allowed.";

    /// <summary>Whether a run can have a name: one folder below runs/, and a model.</summary>
    public static bool IsRunName(string name) =>
        name is not ("." or "..") && GrainKeys.IsModelName(name);

    /// <summary>The name of a run that is there: any folder below runs/, which may have been renamed.</summary>
    /// <exception cref="UsageException">It is more than that.</exception>
    public static void RequireFolderName(string option, string name) => UsageException.ThrowUnless(
        name is not ("" or "." or "..") && !name.Contains('\0', StringComparison.Ordinal) && Path.GetFileName(name) == name,
        $"{option} '{name}' is no name of a folder below runs/.");

    /// <summary>The name of a new run: one folder below runs/, and a model.</summary>
    /// <exception cref="UsageException">It is more than that.</exception>
    public static void RequireRunName(string option, string name) =>
        UsageException.ThrowUnless(IsRunName(name), $"{option} '{name}' is no name of a folder below runs/. {NameRule}");
}

/// <summary>A run's own files, which other programs may read at any time: a reader sees the old content or the new, never a part.</summary>
internal static class AtomicFile
{
    private static readonly DiskFileStore Disk = new();

    /// <summary>Writes text the way checkpoints are written; nothing half written remains.</summary>
    public static void Write(string path, string text) => Disk.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
