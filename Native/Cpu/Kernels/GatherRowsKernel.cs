using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Copies rows by number.</summary>
internal readonly unsafe struct GatherRowsKernel(Matrix source, DeviceSpan<int> rows, Matrix destination) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = destination.Columns;
        for (int row = start; row < end; row++)
        {
            new Span<float>(source.Row(rows.Pointer[row]), columns).CopyTo(new Span<float>(destination.Row(row), columns));
        }
    }
}
