using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu;

/// <summary>Rotary embedding and the causal softmax.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc />
    public void Rotary(in Matrix x, in Matrix cosines, in Matrix sines, int sequenceLength, bool inverse)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);
        Operands.RowMajor(x);
        Operands.SameShape(sines, cosines);
        if (cosines.Columns == 0 || x.Columns % (2 * cosines.Columns) != 0)
        {
            throw new ArgumentException(
                $"'{nameof(x)}' is {x.Rows}×{x.Columns}, but '{nameof(cosines)}' is {cosines.Rows}×{cosines.Columns}: " +
                "heads have twice the tables' columns.", nameof(x));
        }

        if (cosines.Rows < Math.Min(x.Rows, sequenceLength))
        {
            throw new ArgumentException(
                $"'{nameof(cosines)}' is {cosines.Rows}×{cosines.Columns}, but '{nameof(x)}', {x.Rows}×{x.Columns}, has rows at " +
                $"{Math.Min(x.Rows, sequenceLength)} positions.", nameof(cosines));
        }

        ForRows(x.Rows, x.Columns, new RotaryKernel(x, cosines, sines, sequenceLength, inverse));
    }

    /// <inheritdoc />
    public void CausalSoftmax(in Matrix scores, int sequenceLength, float scale)
    {
        CheckCausal(sequenceLength, scale);
        Operands.RowMajor(scores);
        ForRows(scores.Rows, scores.Columns, new CausalSoftmaxKernel(scores, sequenceLength, scale));
    }

    /// <inheritdoc />
    public void CausalSoftmaxGradient(in Matrix probabilities, in Matrix gradient, int sequenceLength, float scale)
    {
        CheckCausal(sequenceLength, scale);
        Operands.SameShape(gradient, probabilities);
        ForRows(gradient.Rows, gradient.Columns, new CausalSoftmaxGradientKernel(probabilities, gradient, sequenceLength, scale));
    }

    /// <summary>A negative scale would turn the largest score into the smallest.</summary>
    private static void CheckCausal(int sequenceLength, float scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
    }
}
