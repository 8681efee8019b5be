using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Softmax of each row, and the logarithm of its denominator if it is asked for.</summary>
internal readonly unsafe struct SoftmaxKernel(Matrix logits, Matrix probabilities, DeviceSpan<float> logSumExp) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = logits.Columns;
        for (int row = start; row < end; row++)
        {
            float* x = logits.Row(row), p = probabilities.Row(row);
            float maximum = RowReduction.Max(x, columns);
            float sum = SoftmaxRow.StoreExponentials(x, p, columns, 1f, maximum);
            SoftmaxRow.Scale(p, columns, 1f / sum);
            if (!logSumExp.IsEmpty)
            {
                logSumExp.Pointer[row] = maximum + MathF.Log(sum);
            }
        }
    }
}
