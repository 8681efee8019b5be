using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>The numbers of one AdamW update.</summary>
/// <param name="LearningRate">Step size after the schedule.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled decay; 0 for norms and biases.</param>
/// <param name="GradientScale">Factor on the gradient: the clip factor.</param>
/// <param name="Step">1 for the first update; corrects the moments' bias.</param>
public readonly record struct AdamWUpdate(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, float GradientScale, long Step);

/// <summary>The update of parameters, and the norm of their gradients.</summary>
public interface IOptimizerOperations
{
    /// <summary>
    /// AdamW (Loshchilov &amp; Hutter, arXiv 1711.05101, algorithm 2) on one tensor: moments from the scaled gradient, bias
    /// correction, then <c>p −= lr·(m̂/(√v̂ + ε) + decay·p)</c>.
    /// </summary>
    void AdamW(
        in AdamWUpdate update, DeviceSpan<float> parameter, DeviceSpan<float> gradient, DeviceSpan<float> firstMoment,
        DeviceSpan<float> secondMoment);

    /// <summary>
    /// Stores Σ x² in double to <paramref name="sum"/> [1]: a partial sum per fixed chunk of 4,096 elements, chunks added in order. NaN and infinity
    /// pass through.
    /// </summary>
    void SumOfSquares(DeviceSpan<float> x, DeviceSpan<double> sum);
}
