using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>y += x over a range of elements.</summary>
internal readonly unsafe struct AddKernel(DeviceSpan<float> x, DeviceSpan<float> y) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* from = x.Pointer, to = y.Pointer;
        for (nint i = start; i < end; i += Lanes.Count)
        {
            int left = (int)(end - i);
            Lanes.Store(to + i, Lanes.Load(to + i, left) + Lanes.Load(from + i, left), left);
        }
    }
}

/// <summary>The same row is added to every row.</summary>
internal readonly unsafe struct AddBiasKernel(Matrix y, DeviceSpan<float> bias) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* from = bias.Pointer;
        int columns = y.Columns;
        for (int row = start; row < end; row++)
        {
            float* to = y.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Lanes.Store(to + i, Lanes.Load(to + i, left) + Lanes.Load(from + i, left), left);
            }
        }
    }
}

/// <summary>x *= factor over a range of elements.</summary>
internal readonly unsafe struct ScaleKernel(DeviceSpan<float> x, float factor) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end) => SoftmaxRow.Scale(x.Pointer + start, end - start, factor);
}
