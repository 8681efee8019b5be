using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>dy·x·r: a token's part of the gradient of a norm's weight.</summary>
internal readonly unsafe struct RmsNormWeightTerm(Matrix x, DeviceSpan<float> inverseRms, Matrix dy) : ITokenTerm
{
    public int Rows => x.Rows;

    public bool TakesPart(int row, out Vector512<float> factor)
    {
        factor = Vector512.Create(inverseRms.Pointer[row]);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor) =>
        Vector512.FusedMultiplyAdd(Lanes.Load(dy.Row(row) + column, left), Lanes.Load(x.Row(row) + column, left) * factor, sum);
}
