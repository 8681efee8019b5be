using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>add_normal</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AddNormalParameters(CudaMatrix X, ulong Key, float Deviation);

/// <summary>For <c>multiply_uniform</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MultiplyUniformParameters(CudaMatrix X, CudaMatrix Y, ulong Key, float Spread, int Add);
