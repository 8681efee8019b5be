using System.Runtime.CompilerServices;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>How methods with a kernel's loop are compiled.</summary>
internal static class Compilation
{
    /// <summary>
    /// Fully, at the first call. Tiered compilation would run a kernel's first calls some ten times slower, and its
    /// profile-guided second tier was seen to stay four times slower for good.
    /// </summary>
    public const MethodImplOptions AtOnce = MethodImplOptions.AggressiveOptimization;
}
