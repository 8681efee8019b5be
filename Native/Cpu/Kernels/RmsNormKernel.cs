using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Rows are divided by their root mean square and multiplied by a weight per column.</summary>
internal readonly unsafe struct RmsNormKernel(Matrix x, DeviceSpan<float> weight, float epsilon, Matrix y, DeviceSpan<float> inverseRms)
    : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* w = weight.Pointer;
        int columns = x.Columns;
        for (int row = start; row < end; row++)
        {
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
}
