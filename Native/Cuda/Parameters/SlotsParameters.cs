using System.Runtime.InteropServices;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>score_keys</c>, <c>chance_keys</c>, <c>order_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct OrderParameters(nint Scores, nint Keys, nint Order, ulong Key, int Rows, int K);

/// <summary>For <c>clear_served</c> to <c>place_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ServedParameters(
    nint Choices, nint Order, nint Kept, nint Before, nint Counts, nint Segments, nint Slots, nint Tokens, int Rows, int K, int Capacity, int Experts,
    int Chunks, int Entries);
