namespace MoEActors.Native.Cpu.Gemm;

/// <summary>What a micro-kernel is to do with its sliver of B.</summary>
internal enum SliverForm
{
    /// <summary>Read it where it lies.</summary>
    Plain,

    /// <summary>Read it where it is stored and pack it on the way.</summary>
    Pack,

    /// <summary>Read its left half; it has at most 16 columns.</summary>
    Narrow,
}
