using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Each row is the weighted sum of the rows in its slots, from +0 in choice order.</summary>
internal readonly unsafe struct CombineRowsKernel(
    Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, Matrix y, Accumulation accumulation) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = y.Columns;
        bool add = accumulation == Accumulation.Add;
        for (int row = start; row < end; row++)
        {
            float* to = y.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> sum = Sum(row, i, left);
                Lanes.Store(to + i, add ? Lanes.Load(to + i, left) + sum : sum, left);
            }
        }
    }

    private Vector512<float> Sum(int row, int column, int left)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        nint first = (nint)row * k;
        for (nint choice = first; choice < first + k; choice++)
        {
            int slot = slots.Pointer[choice];
            if (slot >= 0)
            {
                Vector512<float> weight = Vector512.Create(weights.IsEmpty ? 1f : weights.Pointer[choice]);
                sum = Vector512.FusedMultiplyAdd(weight, Lanes.Load(rows.Row(slot) + column, left), sum);
            }
        }

        return sum;
    }
}
