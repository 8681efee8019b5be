namespace MoEActors.Native.Cpu.Gemm;

/// <summary>B is as it is stored, and to be packed for the panels that follow.</summary>
internal readonly struct StoredSliver : ISliver
{
    /// <inheritdoc />
    public static bool Packs => true;
}
