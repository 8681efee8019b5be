using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

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
