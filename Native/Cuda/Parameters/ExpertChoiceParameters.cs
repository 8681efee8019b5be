using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>top_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TopRowsParameters(CudaMatrix Scores, nint Valid, nint Keys, nint Rows, int Count);

/// <summary>For <c>clear_marks</c>, <c>mark_columns</c>, <c>columns_of_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ColumnsOfRowsParameters(nint Rows, nint Marks, nint Choices, int Columns, int Count, int Limit, int K);
