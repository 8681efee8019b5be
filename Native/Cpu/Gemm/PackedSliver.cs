namespace MoEActors.Native.Cpu.Gemm;

/// <summary>B has been packed.</summary>
internal readonly struct PackedSliver : ISliver
{
    /// <inheritdoc />
    public static bool Packs => false;
}
