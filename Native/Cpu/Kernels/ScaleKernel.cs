using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>x *= factor over a range of elements.</summary>
internal readonly unsafe struct ScaleKernel(DeviceSpan<float> x, float factor) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end) => SoftmaxRow.Scale(x.Pointer + start, end - start, factor);
}
