using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The halves of every head are rotated against each other by the angles of the row's position.</summary>
internal readonly unsafe struct RotaryKernel(Matrix x, Matrix cosines, Matrix sines, int sequenceLength, bool inverse) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int half = cosines.Columns;
        int position = row % sequenceLength;
        for (int head = 0; head < x.Columns; head += 2 * half)
        {
            Rotate(x.Row(row) + head, cosines.Row(position), sines.Row(position), half);
        }
    }

    [MethodImpl(Compilation.AtOnce)]
    private void Rotate(float* head, float* cosine, float* sine, int half)
    {
        for (int i = 0; i < half; i += Lanes.Count)
        {
            int left = half - i;
            Vector512<float> a = Lanes.Load(head + i, left), b = Lanes.Load(head + half + i, left);
            Vector512<float> c = Lanes.Load(cosine + i, left), s = Lanes.Load(sine + i, left);
            s = inverse ? -s : s;
            Lanes.Store(head + i, Vector512.FusedMultiplyAdd(a, c, -(b * s)), left);
            Lanes.Store(head + half + i, Vector512.FusedMultiplyAdd(b, c, a * s), left);
        }
    }
}
