using System.Globalization;
using MoEActors.Cli.Supervision;

namespace MoEActors.Cli.Chaos.Relays;

/// <summary>Which process is at the other end of a connection on this machine, as Linux tells it.</summary>
internal static class SocketOwner
{
    private const int LocalColumn = 1;
    private const int RemoteColumn = 2;
    private const int InodeColumn = 9;

    /// <summary>The number of the socket whose own port is <paramref name="own"/> and that is connected to <paramref name="remote"/>; null for none.</summary>
    public static string? InodeOf(int own, int remote)
    {
        string local = Suffix(own), other = Suffix(remote);
        foreach (string line in File.ReadLines("/proc/net/tcp").Skip(1))
        {
            string[] columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length > InodeColumn && columns[LocalColumn].EndsWith(local, StringComparison.Ordinal) && columns[RemoteColumn].EndsWith(other, StringComparison.Ordinal))
            {
                return columns[InodeColumn];
            }
        }

        return null;
    }

    /// <summary>Whether a process has a socket.</summary>
    public static bool Has(int process, string inode)
    {
        string target = $"socket:[{inode}]";
        try
        {
            return OpenHandles.Of(process).Contains(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended.
            return false;
        }
    }

    private static string Suffix(int port) => string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
}
