using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

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
