using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Support;

/// <summary>What a gradient norm is made of.</summary>
internal static class GradientSquares
{
    /// <summary>Σ g² over the trained tensors of a block.</summary>
    public static double Of(IDevice device, ParameterBlock block)
    {
        double[] sums = new double[Optimizer.TrainedTensors(block)];
        using DeviceBuffer memory = device.Allocate(sizeof(double) * sums.Length);
        Optimizer.SumsOfSquares(device, block, block.Gradients, memory.As<double>());
        device.Read(memory.As<double>(), sums);
        return sums.Sum();
    }
}
