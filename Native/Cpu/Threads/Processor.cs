using System.Runtime.InteropServices;

namespace MoEActors.Native.Cpu.Threads;

/// <summary>
/// Keeps a sleeping thread from being woken on the processor of the thread that wakes it. Linux often does that, and may
/// leave both there for seconds while another processor idles: a helper woken after 20 ms of sleep did not start before its
/// caller had done all of the work. The caller has to set the affinity before the wake, because the helper is not scheduled
/// on the caller's processor and cannot set its own. On other systems nothing is done.
/// </summary>
internal static unsafe partial class Processor
{
    private const int SetBytes = 128;
    private const int SetWords = SetBytes / sizeof(ulong);

    private static readonly bool Supported = OperatingSystem.IsLinux() && Environment.ProcessorCount > 1 && Probe();

    /// <summary>The processor that the calling thread runs on; −1 where the system does not tell.</summary>
    public static int Current => Supported ? GetProcessor() : -1;

    /// <summary>The system's id of the calling thread; 0 where there is none.</summary>
    public static int ThreadId => Supported ? GetThread() : 0;

    /// <summary>Lets <paramref name="thread"/> run wherever the calling thread may, except on <paramref name="processor"/>.</summary>
    public static void Avoid(int thread, int processor)
    {
        ulong* allowed = stackalloc ulong[SetWords];
        new Span<ulong>(allowed, SetWords).Clear();
        if ((uint)processor >= SetBytes * 8 || GetAffinity(0, SetBytes, allowed) < 0)
        {
            return;
        }

        // If no processor is left, the system refuses and nothing changes.
        allowed[processor / 64] &= ~(1UL << (processor % 64));
        _ = SetAffinity(thread, SetBytes, allowed);
    }

    private static bool Probe()
    {
        try
        {
            return GetThread() > 0 && GetProcessor() >= 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    private static partial int GetProcessor();

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThread();

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint size, ulong* set);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint size, ulong* set);
}
