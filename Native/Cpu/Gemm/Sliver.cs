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

/// <summary>How a micro-kernel finds B; a struct, so that the kernel is compiled once for each.</summary>
internal interface ISliver
{
    /// <summary>The kernel packs B while it reads it: two stores per step that hide behind its multiplications.</summary>
    static abstract bool Packs { get; }
}

/// <summary>B is read where it lies: packed before, or stored and used once.</summary>
internal readonly struct PlainSliver : ISliver
{
    public static bool Packs => false;
}

/// <summary>B is read where it is stored, and packed on the way for the panels that follow.</summary>
internal readonly struct StoredSliver : ISliver
{
    public static bool Packs => true;
}
