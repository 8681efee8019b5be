using System.Runtime.InteropServices;

namespace MoEActors.Native.Cpu.Threads;

/// <summary>
/// Gets a thread off a processor that it shares with the thread it should help. Linux tends to wake a helper on the processor
/// of the thread that woke it and may leave the two there for seconds while the next processor idles: of the runs of a
/// product on two threads and an otherwise idle two-core machine, a third took as long as on one. The thread is moved,
/// not pinned: its affinity is what it was before. Elsewhere than on Linux nothing is done.
/// </summary>
internal static unsafe partial class Processor
{
    private const int SetBytes = 128;

    private static readonly bool Supported = OperatingSystem.IsLinux() && Environment.ProcessorCount > 1;

    /// <summary>Moves the calling thread to another processor if it runs on <paramref name="occupied"/>.</summary>
    public static void Leave(int occupied)
    {
        if (!Supported || (uint)occupied >= SetBytes * 8 || Thread.GetCurrentProcessorId() != occupied)
        {
            return;
        }

        ulong* allowed = stackalloc ulong[SetBytes / sizeof(ulong)];
        ulong* others = stackalloc ulong[SetBytes / sizeof(ulong)];
        if (GetAffinity(0, SetBytes, allowed) != 0)
        {
            return;
        }

        new Span<ulong>(allowed, SetBytes / sizeof(ulong)).CopyTo(new Span<ulong>(others, SetBytes / sizeof(ulong)));
        others[occupied / 64] &= ~(1UL << (occupied % 64));
        if (SetAffinity(0, SetBytes, others) == 0)
        {
            _ = SetAffinity(0, SetBytes, allowed);
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint size, ulong* set);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint size, ulong* set);
}
