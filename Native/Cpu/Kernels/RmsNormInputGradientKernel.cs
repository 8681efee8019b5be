using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>dx (+)= r·(dy·w − x·r²·mean(dy·w·x)), row by row.</summary>
internal readonly unsafe struct RmsNormInputGradientKernel(
    Matrix x, DeviceSpan<float> weight, DeviceSpan<float> inverseRms, Matrix dy, Matrix dx, Accumulation accumulation) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* w = weight.Pointer;
        int columns = x.Columns;
        bool add = accumulation == Accumulation.Add;
        for (int row = start; row < end; row++)
        {
            float* input = x.Row(row), output = dy.Row(row), to = dx.Row(row);
            float r = inverseRms.Pointer[row];
            float mean = RowReduction.Dot(output, w, input, columns) / columns;
            Vector512<float> factor = Vector512.Create(r);
            Vector512<float> pull = Vector512.Create(-r * r * mean);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> direct = Lanes.Load(output + i, left) * Lanes.Load(w + i, left);
                Vector512<float> gradient = factor * Vector512.FusedMultiplyAdd(Lanes.Load(input + i, left), pull, direct);
                Lanes.Store(to + i, add ? Lanes.Load(to + i, left) + gradient : gradient, left);
            }
        }
    }
}
