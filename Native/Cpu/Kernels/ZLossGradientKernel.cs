using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>dLogits += 2·factor·lse·softmax(logits), rows that take no part left alone.</summary>
internal readonly unsafe struct ZLossGradientKernel(
    Matrix logits, DeviceSpan<float> logSumExp, DeviceSpan<int> valid, float factor, Matrix dLogits) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = logits.Columns;
        for (int row = start; row < end; row++)
        {
            if (!valid.IsEmpty && valid.Pointer[row] == 0)
            {
                continue;
            }

            float* x = logits.Row(row), dx = dLogits.Row(row);
            float lse = logSumExp.Pointer[row];
            Vector512<float> denominator = Vector512.Create(lse), slope = Vector512.Create(2f * factor * lse);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> gradient = slope * VectorMath.Exp(Lanes.Load(x + i, left) - denominator);
                Lanes.Store(dx + i, Lanes.Load(dx + i, left) + gradient, left);
            }
        }
    }
}
