namespace MoEActors.Native.Cpu.Gemm;

/// <summary>B is read where it is stored, and packed on the way for the panels that follow.</summary>
internal readonly struct StoredSliver : ISliver
{
    /// <inheritdoc />
    public static bool Packs => true;
}
