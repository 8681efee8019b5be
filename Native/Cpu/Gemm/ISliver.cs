namespace MoEActors.Native.Cpu.Gemm;

/// <summary>What a micro-kernel finds B as; a struct, so that the kernel is compiled once for each.</summary>
internal interface ISliver
{
    /// <summary>The kernel packs B while it reads it: two stores per step that hide behind its multiplications.</summary>
    static abstract bool Packs { get; }
}
