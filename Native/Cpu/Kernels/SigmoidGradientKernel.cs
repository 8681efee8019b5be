using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>dLogits = s·(1 − s)·ds.</summary>
internal readonly unsafe struct SigmoidGradientKernel(Matrix scores, Matrix dScores, Matrix dLogits) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = scores.Columns;
        for (int row = start; row < end; row++)
        {
            float* s = scores.Row(row), ds = dScores.Row(row), dx = dLogits.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> score = Lanes.Load(s + i, left);
                Lanes.Store(dx + i, score * (Vector512<float>.One - score) * Lanes.Load(ds + i, left), left);
            }
        }
    }
}
