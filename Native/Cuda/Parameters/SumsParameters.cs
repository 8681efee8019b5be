using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>column_sums</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ColumnSumsParameters(CudaMatrix Y, nint Chunks);

/// <summary>For <c>add_chunks</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AddChunksParameters(nint Chunks, nint Sums, int Count, int Columns);
