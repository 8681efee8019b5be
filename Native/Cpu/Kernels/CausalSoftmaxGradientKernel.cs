using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Gradient of the causal softmax by its scores, in place.</summary>
internal readonly unsafe struct CausalSoftmaxGradientKernel(Matrix probabilities, Matrix gradient, int sequenceLength, float scale) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = gradient.Columns;
        for (int row = start; row < end; row++)
        {
            float* dx = gradient.Row(row);
            int visible = CausalSoftmaxKernel.Visible(row, sequenceLength, columns);
            SoftmaxRow.Gradient(probabilities.Row(row), dx, dx, visible, scale);
            new Span<float>(dx + visible, columns - visible).Clear();
        }
    }
}
