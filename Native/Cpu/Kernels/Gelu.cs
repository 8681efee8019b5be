using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The bias is added to the preactivation, which backward needs, and x·Φ(x) of it is the output: one pass over both.</summary>
internal readonly unsafe struct GeluKernel(Matrix preactivation, DeviceSpan<float> bias, Matrix output) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* shift = bias.Pointer;
        bool shifted = !bias.IsEmpty;
        int columns = output.Columns;
        for (int row = start; row < end; row++)
        {
            float* x = preactivation.Row(row), y = output.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> value = Lanes.Load(x + i, left);
                if (shifted)
                {
                    value += Lanes.Load(shift + i, left);
                    Lanes.Store(x + i, value, left);
                }

                Lanes.Store(y + i, value * NormalDistribution.Cumulative(value, out _), left);
            }
        }
    }
}

/// <summary>gelu′(x) = Φ(x) + x·φ(x).</summary>
internal readonly unsafe struct GeluGradientKernel(Matrix preactivation, Matrix dOutput, Matrix dPreactivation) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = preactivation.Columns;
        for (int row = start; row < end; row++)
        {
            float* x = preactivation.Row(row), dy = dOutput.Row(row), dx = dPreactivation.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> value = Lanes.Load(x + i, left);
                Vector512<float> cumulative = NormalDistribution.Cumulative(value, out Vector512<float> bell);
                Vector512<float> density = bell * Vector512.Create(NormalDistribution.DensityAtZero);
                Vector512<float> slope = Vector512.FusedMultiplyAdd(value, density, cumulative);
                Lanes.Store(dx + i, Lanes.Load(dy + i, left) * slope, left);
            }
        }
    }
}
