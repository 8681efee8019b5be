using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Random numbers by counter: uniform ones have the CPU's bits, normal ones differ by a unit in the last place at most.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName AddNormalKernel = new("random", "add_normal");
    private static readonly KernelName MultiplyUniformKernel = new("random", "multiply_uniform");

    /// <inheritdoc />
    public void AddNormal(in Matrix x, ulong key, float deviation)
    {
        Operands.RowMajor(x);
        Launch(AddNormalKernel, RandomRows(x, 2), new AddNormalParameters(x, key, deviation));
    }

    /// <inheritdoc />
    public void MultiplyUniform(in Matrix x, ulong key, float spread, in Matrix y, Accumulation accumulation)
    {
        Operands.SameShape(y, x);
        Launch(MultiplyUniformKernel, RandomRows(x, 1), new MultiplyUniformParameters(x, y, key, spread, Flag(accumulation == Accumulation.Add)));
    }

    private static LaunchShape RandomRows(in Matrix x, int columnsOfThread) =>
        new(x.Columns == 0 ? 0 : x.Rows, Math.Clamp((x.Columns / columnsOfThread + 31) / 32 * 32, 32, 256));
}
