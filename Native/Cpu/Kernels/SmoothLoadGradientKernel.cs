using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// dLogits[t, e] += s with s = g[e]·φ((a − θ)/σ)/σ, and −Σ s to the logit that set the threshold.
/// </summary>
internal readonly unsafe struct SmoothLoadGradientKernel(
    Matrix logits, Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> loadGradient, Matrix dLogits) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = logits.Columns;
        Vector512<float> deviations = Vector512.Create(deviation);
        Vector512<float> density = Vector512.Create(NormalDistribution.DensityAtZero) / deviations;
        for (int row = start; row < end; row++)
        {
            int last = choices.Pointer[(nint)row * k + k - 1];
            if (last < 0)
            {
                continue;
            }

            float* a = logits.Row(row), g = loadGradient.Pointer, to = dLogits.Row(row);
            Vector512<float> threshold = Vector512.Create(noisy.Row(row)[last]), sum = Vector512<float>.Zero;
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                _ = NormalDistribution.Cumulative((Lanes.Load(a + i, left) - threshold) / deviations, out Vector512<float> bell);
                Vector512<float> slope = Lanes.Load(g + i, left) * (bell * density);
                sum += slope;
                Lanes.Store(to + i, Lanes.Load(to + i, left) + slope, left);
            }

            to[last] -= Lanes.Sum(sum);
        }
    }
}
