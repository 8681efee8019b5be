using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Rows are divided by their Euclidean norm, or by epsilon where that is larger.</summary>
internal readonly unsafe struct NormalizeRowsKernel(Matrix x, float epsilon, Matrix y, DeviceSpan<float> inverseNorms) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = x.Columns;
        float* from = x.Row(row), to = y.Row(row);
        float r = 1f / MathF.Max(MathF.Sqrt(RowReduction.Dot(from, from, columns)), epsilon);
        inverseNorms.Pointer[row] = r;
        MatrixRows.Scale(from, to, columns, r);
    }
}

/// <summary>dx (+)= r·(dy − y·Σ dy·y): what points along the row does not change its direction.</summary>
internal readonly unsafe struct NormalizeRowsGradientKernel(
    Matrix y, DeviceSpan<float> inverseNorms, float epsilon, Matrix dy, Matrix dx, Accumulation accumulation) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = y.Columns;
        bool add = accumulation == Accumulation.Add;
        float* normed = y.Row(row), from = dy.Row(row), to = dx.Row(row);
        float r = inverseNorms.Pointer[row];
        bool constant = r >= 1f / epsilon;
        Vector512<float> factor = Vector512.Create(r);
        Vector512<float> along = Vector512.Create(constant ? 0f : -RowReduction.Dot(from, normed, columns));
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> across = Vector512.FusedMultiplyAdd(Lanes.Load(normed + i, left), along, Lanes.Load(from + i, left));
            Vector512<float> gradient = factor * across;
            Lanes.Store(to + i, add ? Lanes.Load(to + i, left) + gradient : gradient, left);
        }
    }
}

/// <summary>The inner product of each row of one matrix with the same row of another.</summary>
internal readonly unsafe struct DotRowsKernel(Matrix a, Matrix b, DeviceSpan<float> dots) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row) => dots.Pointer[row] = RowReduction.Dot(a.Row(row), b.Row(row), a.Columns);
}
