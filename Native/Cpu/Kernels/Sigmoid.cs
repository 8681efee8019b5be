using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Sigmoid of each element, and log Σ exp of each row of logits unless that span is empty.</summary>
internal readonly unsafe struct SigmoidKernel(Matrix logits, Matrix scores, DeviceSpan<float> logSumExp) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = logits.Columns;
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

/// <summary>s·(1 − s)·ds, the gradient by the logit of score s.</summary>
internal readonly struct SigmoidSlope : IElementFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> s, Vector512<float> ds) => s * (Vector512<float>.One - s) * ds;
}
