using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Rows are divided by their Euclidean norm, or by epsilon where that is larger.</summary>
internal readonly unsafe struct NormalizeRowsKernel(Matrix x, float epsilon, Matrix y, DeviceSpan<float> inverseNorms) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = x.Columns;
        for (int row = start; row < end; row++)
        {
            float* from = x.Row(row), to = y.Row(row);
            float r = 1f / MathF.Max(MathF.Sqrt(RowReduction.Dot(from, from, columns)), epsilon);
            inverseNorms.Pointer[row] = r;
            Vector512<float> factor = Vector512.Create(r);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                Lanes.Store(to + i, Lanes.Load(from + i, columns - i) * factor, columns - i);
            }
        }
    }
}

/// <summary>dx (+)= r·(dy − y·Σ dy·y): what points along the row does not change its direction.</summary>
internal readonly unsafe struct NormalizeRowsGradientKernel(
    Matrix y, DeviceSpan<float> inverseNorms, float epsilon, Matrix dy, Matrix dx, Accumulation accumulation) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = y.Columns;
        bool add = accumulation == Accumulation.Add;
        for (int row = start; row < end; row++)
        {
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
}

/// <summary>The inner product of each row of one matrix with the same row of another.</summary>
internal readonly unsafe struct DotRowsKernel(Matrix a, Matrix b, DeviceSpan<float> dots) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            dots.Pointer[row] = RowReduction.Dot(a.Row(row), b.Row(row), a.Columns);
        }
    }
}
