using System.Runtime.CompilerServices;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Normal noise, a stream per row and a pair of numbers per two columns.</summary>
internal readonly unsafe struct AddNormalKernel(Matrix x, ulong key, float deviation) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        ulong stream = CounterRandom.Next(key, (ulong)row);
        float* to = x.Row(row);
        for (int column = 0; column < x.Columns; column += 2)
        {
            (double first, double second) = CounterRandom.NormalPair(stream, (ulong)column);
            to[column] = MathF.FusedMultiplyAdd(deviation, (float)first, to[column]);
            if (column + 1 < x.Columns)
            {
                to[column + 1] = MathF.FusedMultiplyAdd(deviation, (float)second, to[column + 1]);
            }
        }
    }
}

/// <summary>Factors around 1, a stream per row.</summary>
internal readonly unsafe struct MultiplyUniformKernel(Matrix x, ulong key, float spread, Matrix y, Accumulation accumulation) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        bool add = accumulation == Accumulation.Add;
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
