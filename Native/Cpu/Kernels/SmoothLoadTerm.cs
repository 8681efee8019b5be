using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The probability that fresh noise would lift a token's logit over the threshold: the last of the chosen noisy logits.</summary>
internal readonly unsafe struct SmoothLoadTerm(Matrix logits, Matrix noisy, DeviceSpan<int> choices, int k, float deviation) : ITokenTerm
{
    public int Rows => logits.Rows;

    public bool TakesPart(int row, out Vector512<float> factor)
    {
        int last = choices.Pointer[(nint)row * k + k - 1];
        factor = Vector512.Create(last < 0 ? 0f : noisy.Row(row)[last]);
        return last >= 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor)
    {
        Vector512<float> distance = (Lanes.Load(logits.Row(row) + column, left) - factor) / Vector512.Create(deviation);
        return sum + NormalDistribution.Cumulative(distance, out _);
    }
}
