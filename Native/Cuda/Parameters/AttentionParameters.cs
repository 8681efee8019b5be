using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>attention_32</c> to <c>attention_256</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AttentionParameters(
    CudaMatrix Queries, CudaMatrix Keys, CudaMatrix Values, CudaMatrix Output, nint FirstKeys, nint State, int Heads,
    int KeyValueHeads, int HeadDim, int SequenceLength, float Scale);

/// <summary>For <c>attention_deltas</c>, <c>attention_query_gradient_32</c> to <c>_256</c> and <c>attention_key_gradient_32</c> to <c>_256</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AttentionGradientParameters(
    CudaMatrix Queries, CudaMatrix Keys, CudaMatrix Values, CudaMatrix Output, CudaMatrix DOutput, CudaMatrix DQueries,
    CudaMatrix DKeys, CudaMatrix DValues, nint FirstKeys, nint State, nint Deltas, int Heads, int KeyValueHeads, int HeadDim,
    int SequenceLength, float Scale);
