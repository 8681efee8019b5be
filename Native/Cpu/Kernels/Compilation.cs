using System.Runtime.CompilerServices;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>How methods with a kernel's loop are compiled.</summary>
internal static class Compilation
{
    /// <summary>
    /// Fully, at the first call. Tiered compilation would run a kernel's first calls some ten times slower, and code of its
    /// profile-guided second tier was measured to remain four times slower.
    /// </summary>
    public const MethodImplOptions AtOnce = MethodImplOptions.AggressiveOptimization;
}
