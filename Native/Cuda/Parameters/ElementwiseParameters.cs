using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>add</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AddParameters(nint X, nint Y, long Length);

/// <summary>For <c>scale</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ScaleParameters(CudaMatrix X, float Factor);

/// <summary>For <c>multiply</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MultiplyParameters(CudaMatrix A, CudaMatrix B, CudaMatrix Y);

/// <summary>For <c>convert_to_bf16</c>, <c>convert_from_bf16</c>, <c>copy_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ConvertParameters(CudaMatrix Source, CudaMatrix Destination);

/// <summary>For <c>add_bias</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AddBiasParameters(CudaMatrix Y, nint Bias);

/// <summary>For <c>mix_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MixRowsParameters(CudaMatrix A, CudaMatrix B, CudaMatrix Coefficients, CudaMatrix Y);

/// <summary>For <c>mix_rows_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MixRowsGradientParameters(
    CudaMatrix A, CudaMatrix B, CudaMatrix Coefficients, CudaMatrix Dy, CudaMatrix Da, CudaMatrix Db, CudaMatrix DCoefficients);
