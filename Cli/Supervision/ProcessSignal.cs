using System.Runtime.InteropServices;

namespace MoEActors.Cli.Supervision;

/// <summary>Signals that hold a process up, let it go on, or ask it to end, where the system has such.</summary>
internal static partial class ProcessSignal
{
    // Numbers of Linux.
    private const int Continue = 18;
    private const int Stop = 19;

    // The same on every Unix.
    private const int Terminate = 15;

    /// <summary>Whether processes can be held up here.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>Holds a process up: it does nothing any more, and its connections stay open.</summary>
    public static void Freeze(SupervisedChild child) => Send(child, Stop);

    /// <summary>Lets it go on.</summary>
    public static void Thaw(SupervisedChild child) => Send(child, Continue);

    /// <summary>Asks a process to end.</summary>
    /// <returns>Whether it was told.</returns>
    public static bool TryTerminate(int process) => !OperatingSystem.IsWindows() && Kill(process, Terminate) == 0;

    private static void Send(SupervisedChild child, int signal)
    {
        // The number of one that has ended may be another's.
        if (!child.Ended.IsCompleted)
        {
            _ = Kill(child.Id, signal);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
