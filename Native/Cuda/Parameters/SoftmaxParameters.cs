using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>softmax</c>, <c>sigmoid</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SoftmaxParameters(CudaMatrix Logits, CudaMatrix Probabilities, nint LogSumExp);

/// <summary>For <c>softmax_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SoftmaxGradientParameters(CudaMatrix Probabilities, CudaMatrix DProbabilities, CudaMatrix DLogits);

/// <summary>For <c>cross_entropy</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct CrossEntropyParameters(CudaMatrix Logits, CudaMatrix DLogits, nint Targets, nint Losses, float Scale);

/// <summary>For <c>sum_losses</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SumLossesParameters(nint Losses, nint Sum, int Count);
