using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MoEActors.Native.Timing;

/// <summary>
/// Processor time of the calling thread: what it computed, without the time it waited or another thread had its core. Where the system does
/// not say (elsewhere than on Linux and macOS), time on the clock takes its place.
/// </summary>
public static partial class ThreadTime
{
    private const int LinuxClock = 3;
    private const int MacClock = 16;

    private static readonly int Clock = OperatingSystem.IsLinux() ? LinuxClock : OperatingSystem.IsMacOS() ? MacClock : -1;

    /// <summary>Whether <see cref="Nanoseconds"/> is processor time.</summary>
    public static bool IsProcessorTime { get; } = Clock >= 0 && Probe();

    /// <summary>Nanoseconds since some moment of the thread's life: only differences mean something.</summary>
    public static long Nanoseconds
    {
        get
        {
            if (!IsProcessorTime)
            {
                return (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
            }

            _ = GetTime(Clock, out Moment moment);
            return moment.Seconds * 1_000_000_000 + moment.Nanoseconds;
        }
    }

    private static bool Probe()
    {
        try
        {
            return nint.Size == sizeof(long) && GetTime(Clock, out _) == 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static partial int GetTime(int clock, out Moment moment);

    /// <summary><c>struct timespec</c> of a 64-bit system.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Moment
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
