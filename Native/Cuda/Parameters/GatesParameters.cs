using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>mask_groups</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MaskGroupsParameters(CudaMatrix Scores, nint Bias, CudaMatrix Masked, int Groups, int Kept);

/// <summary>For <c>entropies</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct EntropiesParameters(CudaMatrix Scores, nint Entropies, int Normalise);

/// <summary>For <c>draw_second</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct DrawSecondParameters(CudaMatrix Logits, CudaMatrix Scores, nint Choices, ulong Key, float Scale, int K);

/// <summary>For <c>smooth_load</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SmoothLoadParameters(CudaMatrix Logits, CudaMatrix Noisy, nint Choices, nint Chunks, int K, float Deviation);

/// <summary>For <c>smooth_load_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SmoothLoadGradientParameters(
    CudaMatrix Logits, CudaMatrix Noisy, nint Choices, nint LoadGradient, CudaMatrix DLogits, int K, float Deviation);
