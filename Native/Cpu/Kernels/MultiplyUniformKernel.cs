using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Factors around 1, a stream per row.</summary>
internal readonly unsafe struct MultiplyUniformKernel(Matrix x, ulong key, float spread, Matrix y, Accumulation accumulation) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        bool add = accumulation == Accumulation.Add;
        for (int row = start; row < end; row++)
        {
            ulong stream = CounterRandom.Next(key, (ulong)row);
            float* from = x.Row(row), to = y.Row(row);
            for (int column = 0; column < x.Columns; column++)
            {
                float factor = (float)(1.0 + spread * (2.0 * CounterRandom.Uniform(stream, (ulong)column) - 1.0));
                float product = from[column] * factor;
                to[column] = add ? to[column] + product : product;
            }
        }
    }
}
