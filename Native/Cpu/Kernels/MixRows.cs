using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>y = c₀·a + c₁·b with two coefficients per row.</summary>
internal readonly unsafe struct MixRowsKernel(Matrix a, Matrix b, Matrix coefficients, Matrix y) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = a.Columns;
        float* first = a.Row(row), second = b.Row(row), to = y.Row(row);
        Vector512<float> c0 = Vector512.Create(coefficients.Row(row)[0]), c1 = Vector512.Create(coefficients.Row(row)[1]);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> one = c0 * Lanes.Load(first + i, left);
            Lanes.Store(to + i, Vector512.FusedMultiplyAdd(c1, Lanes.Load(second + i, left), one), left);
        }
    }
}

/// <summary>da = c₀·dy, db = c₁·dy, dc = (dy·a, dy·b). The products come first, so da and db may lie in the memory of a and b.</summary>
internal readonly unsafe struct MixRowsGradientKernel(
    Matrix a, Matrix b, Matrix coefficients, Matrix dy, Matrix da, Matrix db, Matrix dCoefficients) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = a.Columns;
        float* gradient = dy.Row(row), first = da.Row(row), second = db.Row(row);
        float d0 = RowReduction.Dot(gradient, a.Row(row), columns);
        float d1 = RowReduction.Dot(gradient, b.Row(row), columns);
        Vector512<float> c0 = Vector512.Create(coefficients.Row(row)[0]), c1 = Vector512.Create(coefficients.Row(row)[1]);
        dCoefficients.Row(row)[0] = d0;
        dCoefficients.Row(row)[1] = d1;
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> value = Lanes.Load(gradient + i, left);
            Lanes.Store(first + i, c0 * value, left);
            Lanes.Store(second + i, c1 * value, left);
        }
    }
}
