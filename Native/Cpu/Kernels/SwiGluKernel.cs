using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>silu(gate)·up, silu(g) = g·sigmoid(g).</summary>
internal readonly unsafe struct SwiGluKernel(Matrix gate, Matrix up, Matrix output) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = gate.Columns;
        for (int row = start; row < end; row++)
        {
            float* g = gate.Row(row), u = up.Row(row), y = output.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> value = Lanes.Load(g + i, left);
                Lanes.Store(y + i, value * VectorMath.Sigmoid(value) * Lanes.Load(u + i, left), left);
            }
        }
    }
}
