using System.Runtime.InteropServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>A kernel: the file of its family, without ending, and its function.</summary>
/// <param name="File">Such as <c>norms</c>.</param>
/// <param name="Function">Such as <c>rms_norm</c>.</param>
internal readonly record struct KernelName(string File, string Function);

/// <summary>Blocks and threads of a launch.</summary>
/// <param name="Blocks">Blocks, or those in a row of the grid.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="SharedBytes">Shared memory beside what the kernel declares.</param>
/// <param name="BlocksY">Rows of the grid, at most 65,535.</param>
internal readonly record struct LaunchShape(int Blocks, int Threads, int SharedBytes = 0, int BlocksY = 1);

/// <summary>A <see cref="Memory.Matrix"/> as kernels see it; 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CudaMatrix(in Matrix matrix)
{
    /// <summary>Address of element (0, 0).</summary>
    public readonly nint Data = matrix.Data.Address;

    /// <summary>Elements from one stored row to the next.</summary>
    public readonly long Stride = matrix.Stride;

    /// <summary>Rows of the view.</summary>
    public readonly int Rows = matrix.Rows;

    /// <summary>Columns of the view.</summary>
    public readonly int Columns = matrix.Columns;

    /// <summary>1 when stored rows are the view's columns.</summary>
    public readonly int Transposed = matrix.IsTransposed ? 1 : 0;

    /// <summary>Fills up to a multiple of 8 bytes.</summary>
    public readonly int Reserved;

    /// <summary>The view for a kernel.</summary>
    public static implicit operator CudaMatrix(in Matrix matrix) => new(matrix);
}
