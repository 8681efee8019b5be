namespace MoEActors.Native.Cpu.Gemm;

/// <summary>How a micro-kernel finds B; a struct, so that the kernel is compiled once for each.</summary>
internal interface ISliver
{
    /// <summary>The kernel packs B while it reads it: two stores per step that hide behind its multiplications.</summary>
    static abstract bool Packs { get; }
}
