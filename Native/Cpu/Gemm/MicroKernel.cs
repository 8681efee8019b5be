using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>Chooses the micro-kernel. All of them compute the same chains, so the choice is only one of speed.</summary>
internal static class MicroKernel
{
    /// <summary>True where kernels can pack B while they read it.</summary>
    public static bool Packs => Vector512.IsHardwareAccelerated;

    /// <summary>Rows of the kernel that takes the next panel when <paramref name="left"/> rows are left.</summary>
    public static int Rows(int left) => left > 8 ? 12 : left > 4 ? 8 : 4;

    /// <summary>Runs the kernel of <paramref name="rows"/> (4, 8 or 12) rows on a whole tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TSliver>(int rows, in MicroTile tile)
        where TSliver : struct, ISliver
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            NarrowKernel.Run(rows, tile);
        }
        else if (rows == 12)
        {
            MicroKernel12.Run<TSliver>(tile);
        }
        else if (rows == 8)
        {
            MicroKernel8.Run<TSliver>(tile);
        }
        else
        {
            MicroKernel4.Run<TSliver>(tile);
        }
    }
}
