using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Rows are divided by their root mean square and multiplied by a weight per column.</summary>
internal readonly unsafe struct RmsNormKernel(Matrix x, DeviceSpan<float> weight, float epsilon, Matrix y, DeviceSpan<float> inverseRms)
    : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        float* w = weight.Pointer;
        int columns = x.Columns;
        float* from = x.Row(row), to = y.Row(row);
        float r = 1f / MathF.Sqrt(RowReduction.Dot(from, from, columns) / columns + epsilon);
        inverseRms.Pointer[row] = r;
        Vector512<float> factor = Vector512.Create(r);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Lanes.Store(to + i, Lanes.Load(from + i, left) * factor * Lanes.Load(w + i, left), left);
        }
    }
}

/// <summary>dx (+)= r·(dy·w − x·r²·mean(dy·w·x)), row by row.</summary>
internal readonly unsafe struct RmsNormInputGradientKernel(
    Matrix x, DeviceSpan<float> weight, DeviceSpan<float> inverseRms, Matrix dy, Matrix dx, Accumulation accumulation) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        float* w = weight.Pointer;
        int columns = x.Columns;
        bool add = accumulation == Accumulation.Add;
        float* input = x.Row(row), output = dy.Row(row), to = dx.Row(row);
        float r = inverseRms.Pointer[row];
        float mean = RowReduction.Dot(output, w, input, columns) / columns;
        Vector512<float> factor = Vector512.Create(r);
        Vector512<float> pull = Vector512.Create(-r * r * mean);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> direct = Lanes.Load(output + i, left) * Lanes.Load(w + i, left);
            Vector512<float> gradient = factor * Vector512.FusedMultiplyAdd(Lanes.Load(input + i, left), pull, direct);
            Lanes.Store(to + i, add ? Lanes.Load(to + i, left) + gradient : gradient, left);
        }
    }
}

/// <summary>dy·x·r: a token's part of the gradient of a norm's weight.</summary>
internal readonly unsafe struct RmsNormWeightTerm(Matrix x, DeviceSpan<float> inverseRms, Matrix dy) : ITokenTerm
{
    public int Rows => x.Rows;

    public bool TakesPart(int row, out Vector512<float> factor)
    {
        factor = Vector512.Create(inverseRms.Pointer[row]);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor) =>
        Vector512.FusedMultiplyAdd(Lanes.Load(dy.Row(row) + column, left), Lanes.Load(x.Row(row) + column, left) * factor, sum);
}
