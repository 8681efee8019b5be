using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>y = c₀·a + c₁·b with two coefficients per row.</summary>
internal readonly unsafe struct MixRowsKernel(Matrix a, Matrix b, Matrix coefficients, Matrix y) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = a.Columns;
        for (int row = start; row < end; row++)
        {
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
}
