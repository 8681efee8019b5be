using MoEActors.Modules.Parameters;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Optimizers;

/// <summary>Applies AdamW (Loshchilov &amp; Hutter, arXiv 1711.05101) to blocks of parameters.</summary>
/// <param name="options">The numbers.</param>
public sealed class Optimizer(OptimizerOptions options)
{
    /// <summary>One update of a block: of the tensors that are trained.</summary>
    /// <param name="device">The device that holds it.</param>
    /// <param name="block">The block.</param>
    /// <param name="gradients">Its gradients, laid out like its values.</param>
    /// <param name="gradientScale">The clip factor.</param>
    /// <param name="step">1 for the first update.</param>
    public void Apply(IDevice device, ParameterBlock block, DeviceSpan<float> gradients, float gradientScale, long step)
    {
        var update = new AdamWUpdate(
            options.LearningRateAt(step), options.Beta1, options.Beta2, options.Epsilon, 0f, gradientScale, step);
        foreach (Parameter parameter in block.Parameters)
        {
            if (!parameter.Shape.Trained)
            {
                continue;
            }

            long offset = parameter.Offset;
            int count = parameter.Shape.Count;
            device.AdamW(
                update with { WeightDecay = parameter.Shape.Decays ? options.WeightDecay : 0f },
                block.Values.Slice(offset, count),
                gradients.Slice(offset, count),
                block.FirstMoments.Slice(offset, count),
                block.SecondMoments.Slice(offset, count));
        }

        block.RoundValues();
    }

    /// <summary>How many tensors of a block are trained.</summary>
    public static int TrainedTensors(ParameterBlock block)
    {
        int count = 0;
        for (int i = 0; i < block.Parameters.Count; i++)
        {
            count += block.Parameters[i].Shape.Trained ? 1 : 0;
        }

        return count;
    }

    /// <summary>
    /// Σ of squared gradients of each trained tensor of a block, in double, in canonical order. Added up tensor by tensor, then over blocks in canonical
    /// order, they give every worker the same bits.
    /// </summary>
    /// <param name="device">The device that holds it.</param>
    /// <param name="block">The block.</param>
    /// <param name="gradients">Its gradients, laid out like its values.</param>
    /// <param name="sums">[<see cref="TrainedTensors"/>], stored.</param>
    public static void SumsOfSquares(IDevice device, ParameterBlock block, DeviceSpan<float> gradients, DeviceSpan<double> sums)
    {
        // By index: enumerating the list would allocate, on the step's path.
        int trained = 0;
        for (int i = 0; i < block.Parameters.Count; i++)
        {
            Parameter parameter = block.Parameters[i];
            if (parameter.Shape.Trained)
            {
                device.SumOfSquares(gradients.Slice(parameter.Offset, parameter.Shape.Count), sums.Slice(trained++, 1));
            }
        }
    }
}
