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
