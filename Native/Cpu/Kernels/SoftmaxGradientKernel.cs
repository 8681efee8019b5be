using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>dLogits = p·(dp − Σ dp·p), row by row.</summary>
internal readonly unsafe struct SoftmaxGradientKernel(Matrix probabilities, Matrix dProbabilities, Matrix dLogits) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            SoftmaxRow.Gradient(probabilities.Row(row), dProbabilities.Row(row), dLogits.Row(row), dLogits.Columns, 1f);
        }
    }
}
