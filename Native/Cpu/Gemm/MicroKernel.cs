using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>Chooses the micro-kernel. All of them compute the same chains, so the choice is only one of speed.</summary>
internal static class MicroKernel
{
    /// <summary>True where kernels can pack B while they read it.</summary>
    public static bool Packs => Vector512.IsHardwareAccelerated || MicroKernel6.IsSupported;

    /// <summary>Rows of the kernel that takes the next panel when <paramref name="left"/> rows are left.</summary>
    public static int Rows(int left) => left > 8 ? 12 : left > 4 ? 8 : 4;

    /// <summary>Runs the kernel of <paramref name="rows"/> (4, 8 or 12) rows on a whole tile.</summary>
    public static void Run(int rows, SliverForm form, in MicroTile tile)
    {
        if (!Vector512.IsHardwareAccelerated && rows == 12 && MicroKernel6.IsSupported)
        {
            MicroKernel6.Run(form, tile);
        }
        else if (!Vector512.IsHardwareAccelerated)
        {
            MicroKernelPortable.Run(rows, tile);
        }
        else if (rows == 12)
        {
            if (form == SliverForm.Narrow)
            {
                MicroKernel512.Run12Narrow(tile);
            }
            else if (form == SliverForm.Pack)
            {
                MicroKernel512.Run12<StoredSliver>(tile);
            }
            else
            {
                MicroKernel512.Run12<PlainSliver>(tile);
            }
        }
        else if (form == SliverForm.Pack)
        {
            // A sliver is packed for panels that follow, and only a panel of 12 rows has any.
            throw new InvalidOperationException("Only the micro-kernel of 12 rows packs B.");
        }
        else if (rows == 8)
        {
            MicroKernel512.Run8(tile);
        }
        else
        {
            MicroKernel512.Run4(tile);
        }
    }
}
