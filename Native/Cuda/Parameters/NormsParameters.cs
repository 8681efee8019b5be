using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>rms_norm</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct RmsNormParameters(CudaMatrix X, nint Weight, CudaMatrix Y, nint InverseRms, float Epsilon);

/// <summary>For <c>rms_norm_input_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct RmsNormInputGradientParameters(CudaMatrix X, nint Weight, nint InverseRms, CudaMatrix Dy, CudaMatrix Dx, int Add);

/// <summary>For <c>rms_norm_weight_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct RmsNormWeightGradientParameters(CudaMatrix X, CudaMatrix Dy, nint InverseRms, nint Chunks);

/// <summary>For <c>normalize_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NormalizeRowsParameters(CudaMatrix X, CudaMatrix Y, nint InverseNorms, float Epsilon);

/// <summary>For <c>normalize_rows_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NormalizeRowsGradientParameters(CudaMatrix Y, nint InverseNorms, CudaMatrix Dy, CudaMatrix Dx, float Epsilon, int Add);

/// <summary>For <c>dot_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct DotRowsParameters(CudaMatrix A, CudaMatrix B, nint Dots);
