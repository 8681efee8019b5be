using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>−Σ p·ln p of each row; where p is 0 there is nothing to add.</summary>
internal readonly unsafe struct EntropyKernel(Matrix scores, bool normalise, DeviceSpan<float> entropies) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            entropies.Pointer[row] = Entropy(scores.Row(row));
        }
    }

    [MethodImpl(Compilation.AtOnce)]
    private float Entropy(float* row)
    {
        Vector512<float> divisor = Vector512.Create(normalise ? Sum(row) : 1f), sum = Vector512<float>.Zero;
        for (int i = 0; i < scores.Columns; i += Lanes.Count)
        {
            Vector512<float> p = Lanes.Load(row + i, scores.Columns - i) / divisor;
            Vector512<float> term = p * Vector512.Log(p);
            sum -= Vector512.ConditionalSelect(Vector512.Equals(p, Vector512<float>.Zero), Vector512<float>.Zero, term);
        }

        return Lanes.Sum(sum);
    }

    private float Sum(float* row)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < scores.Columns; i += Lanes.Count)
        {
            sum += Lanes.Load(row + i, scores.Columns - i);
        }

        return Lanes.Sum(sum);
    }
}
