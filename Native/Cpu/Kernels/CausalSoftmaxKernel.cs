using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Softmax over what each row may see, which is itself and what came before it; the rest becomes 0.</summary>
internal readonly unsafe struct CausalSoftmaxKernel(Matrix scores, int sequenceLength, float scale) : IRangeBody
{
    /// <summary>How many of <paramref name="columns"/> a row may see.</summary>
    public static int Visible(int row, int sequenceLength, int columns) => Math.Min(row % sequenceLength + 1, columns);

    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = scores.Columns;
        for (int row = start; row < end; row++)
        {
            float* x = scores.Row(row);
            int visible = Visible(row, sequenceLength, columns);
            float maximum = scale * RowReduction.Max(x, visible);
            float sum = SoftmaxRow.StoreExponentials(x, x, visible, scale, maximum);
            SoftmaxRow.Scale(x, visible, 1f / sum);
            new Span<float>(x + visible, columns - visible).Clear();
        }
    }
}
