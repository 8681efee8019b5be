using System.Runtime.CompilerServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Where the rows of a matrix lie in host memory.</summary>
internal static unsafe class MatrixRows
{
    /// <summary>The first element of row <paramref name="row"/> of a view that is not transposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Row(this in Matrix matrix, int row) => matrix.Data.Pointer + (nint)row * matrix.Stride;
}
