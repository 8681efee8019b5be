namespace MoEActors.Native.Cpu.Gemm;

/// <summary>B is read where it lies: packed before, or stored and used once.</summary>
internal readonly struct PlainSliver : ISliver
{
    /// <inheritdoc />
    public static bool Packs => false;
}
