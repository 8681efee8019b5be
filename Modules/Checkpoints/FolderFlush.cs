using System.Runtime.InteropServices;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Brings a new name to the disk: a flushed file that was renamed may still have its old name after a power failure, until its folder is flushed,
/// too. On Unix only; Windows keeps names in a journal.
/// </summary>
internal static partial class FolderFlush
{
    private const int ReadOnly = 0;

    /// <summary>Flushes the folder of a file. File systems that cannot do that for folders do what they do.</summary>
    public static void Of(string path)
    {
        if (OperatingSystem.IsWindows() || Path.GetDirectoryName(Path.GetFullPath(path)) is not { } folder)
        {
            return;
        }

        int handle = Open(folder, ReadOnly);
        if (handle >= 0)
        {
            _ = Flush(handle);
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
