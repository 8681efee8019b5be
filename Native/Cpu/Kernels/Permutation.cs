using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Copies rows by number.</summary>
internal readonly unsafe struct GatherRowsKernel(Matrix source, DeviceSpan<int> rows, Matrix destination) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = destination.Columns;
        new Span<float>(source.Row(rows.Pointer[row]), columns).CopyTo(new Span<float>(destination.Row(row), columns));
    }
}

/// <summary>Each row is the weighted sum of the rows in its slots, from +0 in choice order.</summary>
internal readonly unsafe struct CombineRowsKernel(
    Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, Matrix y, Accumulation accumulation) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = y.Columns;
        bool add = accumulation == Accumulation.Add;
        float* to = y.Row(row);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> sum = Sum(row, i, left);
            Lanes.Store(to + i, add ? Lanes.Load(to + i, left) + sum : sum, left);
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

/// <summary>
/// For each choice of a row: the gradient of its weight, then the gradient of the row in its slot, in this order, because the
/// second may replace what the first reads. A slot belongs to one choice.
/// </summary>
internal readonly unsafe struct CombineRowsGradientKernel(
    Matrix dy, Matrix rows, DeviceSpan<int> slots, int k, DeviceSpan<float> weights, Matrix dRows, DeviceSpan<float> dWeights) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        nint first = (nint)row * k;
        for (nint choice = first; choice < first + k; choice++)
        {
            int slot = slots.Pointer[choice];
            dWeights.Pointer[choice] = slot < 0 ? 0f : RowReduction.Dot(dy.Row(row), rows.Row(slot), dy.Columns);
            if (slot >= 0)
            {
                MatrixRows.Scale(dy.Row(row), dRows.Row(slot), dy.Columns, weights.Pointer[choice]);
            }
        }
    }
}
