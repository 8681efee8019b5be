using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>A token's scores, or its scores divided by their sum.</summary>
internal readonly unsafe struct ScoreTerm(Matrix scores, DeviceSpan<int> valid, bool normalise) : ITokenTerm
{
    public int Rows => scores.Rows;

    public bool TakesPart(int row, out Vector512<float> factor)
    {
        bool part = valid.IsEmpty || valid.Pointer[row] != 0;
        factor = Vector512.Create(part && normalise ? 1f / RowReduction.Sum(scores.Row(row), scores.Columns) : 1f);
        return part;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor) =>
        Vector512.FusedMultiplyAdd(Lanes.Load(scores.Row(row) + column, left), factor, sum);
}
