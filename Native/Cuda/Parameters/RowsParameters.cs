using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>gather_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct GatherRowsParameters(CudaMatrix Source, nint Rows, CudaMatrix Destination);

/// <summary>For <c>combine_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct CombineRowsParameters(CudaMatrix Rows, nint Slots, nint Weights, CudaMatrix Y, int K, int Add);

/// <summary>For <c>combine_rows_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct CombineRowsGradientParameters(CudaMatrix Dy, CudaMatrix Rows, nint Slots, nint Weights, CudaMatrix DRows, nint DWeights, int K);

/// <summary>For <c>link_rows</c>, <c>embedding_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct EmbeddingGradientParameters(nint Ids, nint Next, CudaMatrix Dy, CudaMatrix TableGradient, int Count);
