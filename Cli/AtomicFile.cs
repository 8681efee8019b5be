using System.Text;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli;

/// <summary>Files that other programs may read at any time: whoever opens one sees the old content or the new, never a part.</summary>
internal static class AtomicFile
{
    private static readonly DiskFileStore Disk = new();

    /// <summary>Writes text the way checkpoints are written; nothing half done stays behind.</summary>
    public static void Write(string path, string text) => Disk.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
