using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Normal noise, a stream per row and a pair of numbers per two columns.</summary>
internal readonly unsafe struct AddNormalKernel(Matrix x, ulong key, float deviation) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
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
}
