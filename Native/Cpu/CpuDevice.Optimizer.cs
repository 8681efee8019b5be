using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

/// <summary>The update of parameters.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc />
    public void AdamW(
        in AdamWUpdate update, DeviceSpan<float> parameter, DeviceSpan<float> gradient, DeviceSpan<float> firstMoment,
        DeviceSpan<float> secondMoment)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(update.Step, 1);
        Operands.HasLength(gradient, parameter.Length);
        Operands.HasLength(firstMoment, parameter.Length);
        Operands.HasLength(secondMoment, parameter.Length);
        ForElements(parameter.Length, new AdamWKernel(update, parameter, gradient, firstMoment, secondMoment));
    }

    /// <inheritdoc />
    public void SumOfSquares(DeviceSpan<float> x, DeviceSpan<double> sum)
    {
        Operands.HasLength(sum, 1);
        const int Chunk = SumOfSquaresKernel.Chunk;
        DeviceSpan<double> sums = _scratch.Take<double>((int)((x.Length + Chunk - 1L) / Chunk));
        ForRows(sums.Length, Chunk, new SumOfSquaresKernel(x, sums));
        double total = 0;
        foreach (double chunk in sums.AsSpan())
        {
            total += chunk;
        }

        *sum.Pointer = total;
    }
}
