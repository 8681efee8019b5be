using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>y = a·b, element by element.</summary>
internal readonly unsafe struct MultiplyKernel(Matrix a, Matrix b, Matrix y) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = y.Columns;
        for (int row = start; row < end; row++)
        {
            float* first = a.Row(row), second = b.Row(row), to = y.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Lanes.Store(to + i, Lanes.Load(first + i, left) * Lanes.Load(second + i, left), left);
            }
        }
    }
}

/// <summary>max(x, 0); what is no number stays so.</summary>
internal readonly unsafe struct ReluKernel(Matrix x, Matrix y) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = y.Columns;
        for (int row = start; row < end; row++)
        {
            float* from = x.Row(row), to = y.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Lanes.Store(to + i, Vector512.Max(Lanes.Load(from + i, left), Vector512<float>.Zero), left);
            }
        }
    }
}

/// <summary>dy where the output is above zero, else 0.</summary>
internal readonly unsafe struct ReluGradientKernel(Matrix y, Matrix dy, Matrix dx) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = y.Columns;
        for (int row = start; row < end; row++)
        {
            float* output = y.Row(row), from = dy.Row(row), to = dx.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> above = Vector512.GreaterThan(Lanes.Load(output + i, left), Vector512<float>.Zero);
                Lanes.Store(to + i, Lanes.Load(from + i, left) & above, left);
            }
        }
    }
}
