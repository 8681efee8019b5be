using System.Runtime.CompilerServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Row losses, and the gradient by the logits unless that matrix is empty. It may lie where the logits lie.</summary>
internal readonly unsafe struct CrossEntropyKernel(
    Matrix logits, DeviceSpan<int> targets, float scale, DeviceSpan<float> losses, Matrix dLogits) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = logits.Columns;
        bool wantsGradient = dLogits.Columns > 0;
        int target = targets.Pointer[row];
        if (target < 0)
        {
            losses.Pointer[row] = 0f;
            if (wantsGradient)
            {
                new Span<float>(dLogits.Row(row), columns).Clear();
            }

            return;
        }

        float* x = logits.Row(row);
        float maximum = RowReduction.Max(x, columns);
        float distance = x[target] - maximum;
        float sum = wantsGradient
            ? SoftmaxRow.StoreExponentials(x, dLogits.Row(row), columns, 1f, maximum)
            : SoftmaxRow.SumExponentials(x, columns, maximum);
        losses.Pointer[row] = MathF.Log(sum) - distance;
        if (wantsGradient)
        {
            float* dx = dLogits.Row(row);
            float shortfall = dx[target] / sum - 1f;
            MatrixRows.Scale(dx, dx, columns, scale / sum);
            dx[target] = scale * shortfall;
        }
    }
}
