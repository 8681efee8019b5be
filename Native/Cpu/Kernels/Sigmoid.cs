using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Sigmoid of each element, and log Σ exp of each row of logits unless that span is empty.</summary>
internal readonly unsafe struct SigmoidKernel(Matrix logits, Matrix scores, DeviceSpan<float> logSumExp) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = logits.Columns;
        for (int row = start; row < end; row++)
        {
            float* x = logits.Row(row), s = scores.Row(row);
            if (!logSumExp.IsEmpty)
            {
                float maximum = RowReduction.Max(x, columns);
                logSumExp.Pointer[row] = maximum + MathF.Log(SoftmaxRow.SumExponentials(x, columns, maximum));
            }

            for (int i = 0; i < columns; i += Lanes.Count)
            {
                Lanes.Store(s + i, VectorMath.Sigmoid(Lanes.Load(x + i, columns - i)), columns - i);
            }
        }
    }
}

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
