using System.Runtime.InteropServices;

namespace MoEActors.Native.Cpu;

/// <summary>
/// Asks for pages of 2 MB under large allocations. A product of 2048³ touches more 4 KB pages than the processor's address
/// cache holds, and ran 6 to 9 % faster on large ones. On Linux this is advice to the kernel, anywhere else nothing; where it
/// is refused, memory works as before.
/// </summary>
internal static unsafe partial class HugePages
{
    /// <summary>Size and alignment of a large page.</summary>
    public const nuint Bytes = 2 << 20;

    private const int Advice = 14; // MADV_HUGEPAGE

    private static bool Refused = !OperatingSystem.IsLinux();

    /// <summary>The alignment that an allocation of <paramref name="bytes"/> should have: a page's if it holds one.</summary>
    public static nuint AlignmentFor(long bytes, nuint least) => !Refused && bytes >= (long)Bytes ? Bytes : least;

    /// <summary>Asks for large pages for those that lie wholly inside of an allocation.</summary>
    public static void Ask(void* address, long bytes)
    {
        nuint length = (nuint)bytes & ~(Bytes - 1);
        if (Refused || length == 0)
        {
            return;
        }

        try
        {
            Refused = Advise(address, length, Advice) != 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            Refused = true;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
