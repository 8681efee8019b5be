using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>What each token adds to a sum over tokens, column by column.</summary>
internal interface ITokenTerm
{
    /// <summary>Number of tokens.</summary>
    int Rows { get; }

    /// <summary>False when the token takes no part; otherwise what its columns have in common.</summary>
    bool TakesPart(int row, out Vector512<float> factor);

    /// <summary><paramref name="sum"/> with the token's term added, for the columns from <paramref name="column"/> on, of which <paramref name="left"/> exist.</summary>
    Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor);
}
