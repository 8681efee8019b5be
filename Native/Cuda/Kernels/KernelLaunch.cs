using System.Runtime.InteropServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>A kernel: the file of its family, without ending, and its function.</summary>
/// <param name="File">Such as <c>norms</c>.</param>
/// <param name="Function">Such as <c>rms_norm</c>.</param>
internal readonly record struct KernelName(string File, string Function);

/// <summary>A kernel that is there for either type of elements.</summary>
/// <param name="F32">The one for fp32.</param>
/// <param name="BF16">The one for bfloat16, whose name ends so.</param>
internal readonly record struct TypedKernel(KernelName F32, KernelName BF16)
{
    /// <summary>Both kernels of a function.</summary>
    public TypedKernel(string file, string function)
        : this(new KernelName(file, function), new KernelName(file, function + "_bf16")) { }

    /// <summary>The one for a type of elements.</summary>
    public KernelName Of(ElementType element) => element == ElementType.F32 ? F32 : BF16;
}

/// <summary>Blocks and threads of a launch.</summary>
/// <param name="Blocks">Blocks, or those in a row of the grid.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="SharedBytes">Shared memory beside what the kernel declares.</param>
/// <param name="BlocksY">Rows of the grid, at most 65,535.</param>
internal readonly record struct LaunchShape(int Blocks, int Threads, int SharedBytes = 0, int BlocksY = 1);

/// <summary>A <see cref="Memory.Matrix"/> as kernels see it; 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CudaMatrix
{
    private CudaMatrix(in Matrix matrix)
    {
        Data = matrix.Address;
        Stride = matrix.Stride;
        Rows = matrix.Rows;
        Columns = matrix.Columns;
        Transposed = matrix.IsTransposed ? 1 : 0;
        Rounded = matrix.Element == ElementType.BF16 ? 1 : 0;
    }

    /// <summary>Address of element (0, 0).</summary>
    public readonly nint Data;

    /// <summary>Elements from one stored row to the next.</summary>
    public readonly long Stride;

    /// <summary>Rows of the view.</summary>
    public readonly int Rows;

    /// <summary>Columns of the view.</summary>
    public readonly int Columns;

    /// <summary>1 when stored rows are the view's columns.</summary>
    public readonly int Transposed;

    /// <summary>1 when the elements are bfloat16.</summary>
    public readonly int Rounded;

    /// <summary>The view for a kernel that takes fp32.</summary>
    /// <exception cref="ArgumentException">It has other elements.</exception>
    public static implicit operator CudaMatrix(in Matrix matrix) => Of(matrix, ElementType.F32);

    /// <summary>The view for a kernel that takes one type of elements.</summary>
    /// <exception cref="ArgumentException">It has others.</exception>
    public static CudaMatrix Of(in Matrix matrix, ElementType element) => matrix.Element == element
        ? new CudaMatrix(matrix)
        : throw new ArgumentException(
            $"A {matrix} matrix has elements of type {matrix.Element} where this operation takes {element}: all of its operands have one type, or it knows no other. IDevice.Convert rounds and widens.");
}
