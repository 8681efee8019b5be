using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// For each choice of a row: the gradient of its weight, then the gradient of the row in its slot, in this order, because the
/// second may replace what the first reads. A slot belongs to one choice.
/// </summary>
internal readonly unsafe struct CombineRowsGradientKernel(
    Matrix dy, Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, Matrix dRows, DeviceSpan<float> dWeights) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            nint first = (nint)row * k;
            for (nint choice = first; choice < first + k; choice++)
            {
                int slot = slots.Pointer[choice];
                dWeights.Pointer[choice] = slot < 0 ? 0f : RowReduction.Dot(dy.Row(row), rows.Row(slot), dy.Columns);
                if (slot >= 0)
                {
                    Scale(dy.Row(row), weights.Pointer[choice], dRows.Row(slot));
                }
            }
        }
    }

    [MethodImpl(Compilation.AtOnce)]
    private void Scale(float* from, float weight, float* to)
    {
        int columns = dy.Columns;
        Vector512<float> factor = Vector512.Create(weight);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            Lanes.Store(to + i, factor * Lanes.Load(from + i, columns - i), columns - i);
        }
    }
}
