using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu;

/// <summary>Random numbers by counter.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <summary>An element costs about as much as this many of an ordinary kernel's.</summary>
    private const int RandomCost = 16;

    /// <inheritdoc />
    public void AddNormal(in Matrix x, ulong key, float deviation)
    {
        Operands.RowMajor(x);
        ForRows(x.Rows, x.Columns * RandomCost, new AddNormalKernel(x, key, deviation));
    }

    /// <inheritdoc />
    public void MultiplyUniform(in Matrix x, ulong key, float spread, in Matrix y, Accumulation accumulation)
    {
        Operands.SameShape(y, x);
        ForRows(x.Rows, x.Columns * RandomCost, new MultiplyUniformKernel(x, key, spread, y, accumulation));
    }
}
