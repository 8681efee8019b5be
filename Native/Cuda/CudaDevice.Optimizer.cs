using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>The update of parameters.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName AdamWKernel = new("optimizer", "adamw");
    private static readonly KernelName SquaresOfChunksKernel = new("optimizer", "squares_of_chunks");
    private static readonly KernelName SumOfSquaresKernel = new("optimizer", "sum_of_squares");

    /// <inheritdoc />
    public void AdamW(
        in AdamWUpdate update, DeviceSpan<float> parameter, DeviceSpan<float> gradient, DeviceSpan<float> firstMoment,
        DeviceSpan<float> secondMoment)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(update.Step, 1);
        Operands.HasLength(gradient, parameter.Length);
        Operands.HasLength(firstMoment, parameter.Length);
        Operands.HasLength(secondMoment, parameter.Length);
        Launch(
            AdamWKernel, LaunchShapes.Elements(parameter.Length),
            new AdamWParameters(
                parameter.Address, gradient.Address, firstMoment.Address, secondMoment.Address, parameter.Length, update.LearningRate, update.Beta1,
                update.Beta2, (float)(1.0 - update.Beta1), (float)(1.0 - update.Beta2), Correction(update.Beta1, update.Step),
                Correction(update.Beta2, update.Step), update.Epsilon, update.WeightDecay, update.GradientScale));
    }

    /// <inheritdoc />
    public void SumOfSquares(DeviceSpan<float> x, DeviceSpan<double> sum)
    {
        Operands.HasLength(sum, 1);
        int count = (int)((x.Length + LaunchShapes.SquaresChunk - 1L) / LaunchShapes.SquaresChunk);
        DeviceSpan<double> chunks = Scratch<double>(count);
        var parameters = new SumOfSquaresParameters(x.Address, chunks.Address, sum.Address, x.Length);
        Launch(SquaresOfChunksKernel, new LaunchShape(count, 256), parameters);
        Launch(SumOfSquaresKernel, new LaunchShape(1, 256), parameters);
    }

    /// <summary>1/(1 − βᵗ): corrects a moment's bias towards its initial zero.</summary>
    private static float Correction(float beta, long step) => (float)(1.0 / (1.0 - Math.Pow(beta, step)));
}
