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
