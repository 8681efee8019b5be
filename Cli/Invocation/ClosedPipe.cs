using System.Runtime.InteropServices;

namespace MoEActors.Cli.Invocation;

/// <summary>Sees that nobody reads standard output any more. .NET ignores that; what is written for nobody would go on to its end.</summary>
internal static partial class ClosedPipe
{
    /// <summary>128 and the number of SIGPIPE, by which other programs end then.</summary>
    public const int Code = 141;

    private const int StandardOutput = 1;

    private const short Failed = 0x08;
    private const short HungUp = 0x10;

    /// <summary>Whether the reader of standard output is gone.</summary>
    public static bool IsSeen()
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        var entry = new PollEntry { Handle = StandardOutput };
        return Poll(ref entry, 1, timeout: 0) > 0 && (entry.Seen & (Failed | HungUp)) != 0;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollEntry entry, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Handle;
        public short Asked;
        public short Seen;
    }
}
