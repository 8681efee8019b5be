using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>Chooses the micro-kernel. All of them compute the same chains, so the choice is only one of speed.</summary>
internal static unsafe class MicroKernel
{
    /// <summary>Runs the kernel of <paramref name="rows"/> (4, 8 or 12) rows on a whole tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(int rows, in MicroTile tile)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            NarrowKernel.Run(rows, tile);
        }
        else if (rows == 12)
        {
            MicroKernel12.Run(tile);
        }
        else if (rows == 8)
        {
            MicroKernel8.Run(tile);
        }
        else
        {
            MicroKernel4.Run(tile);
        }
    }
}
