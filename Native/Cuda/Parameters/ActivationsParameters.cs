using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>gelu</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct GeluParameters(CudaMatrix Preactivation, nint Bias, CudaMatrix Output);

/// <summary>For <c>gelu_gradient</c>, <c>relu_gradient</c>, <c>sigmoid_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ActivationGradientParameters(CudaMatrix Input, CudaMatrix DOutput, CudaMatrix DInput);

/// <summary>For <c>relu</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ActivationParameters(CudaMatrix Input, CudaMatrix Output);

/// <summary>For <c>swiglu</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SwiGluParameters(CudaMatrix Gate, CudaMatrix Up, CudaMatrix Output);

/// <summary>For <c>swiglu_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SwiGluGradientParameters(CudaMatrix Gate, CudaMatrix Up, CudaMatrix DOutput, CudaMatrix DGate, CudaMatrix DUp);
