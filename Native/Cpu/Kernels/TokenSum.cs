using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// A sum over tokens for a range of column blocks: a tile of sums starts from +0, takes the tokens in order and is added to
/// the destination once at the end. Threads share columns, never tokens.
/// </summary>
internal readonly unsafe struct TokenSumKernel<TTerm>(TTerm term, DeviceSpan<float> sums) : IRangeBody
    where TTerm : struct, ITokenTerm
{
    /// <summary>Columns of a block, the unit in which threads share the work.</summary>
    public const int BlockColumns = 64;

    /// <summary>Columns of a tile: its sums stay in the first-level cache.</summary>
    private const int TileColumns = 1024;

    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int last = (int)Math.Min((long)end * BlockColumns, sums.Length);
        for (int column = start * BlockColumns; column < last; column += TileColumns)
        {
            SumTile(column, Math.Min(TileColumns, last - column));
        }
    }

    [MethodImpl(Compilation.AtOnce)]
    private void SumTile(int column, int columns)
    {
        TTerm token = term;
        float* tile = stackalloc float[TileColumns];
        new Span<float>(tile, columns).Clear();
        for (int row = 0; row < token.Rows; row++)
        {
            if (!token.TakesPart(row, out Vector512<float> factor))
            {
                continue;
            }

            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Lanes.Store(tile + i, token.Add(Lanes.Load(tile + i, left), row, column + i, left, factor), left);
            }
        }

        new AddKernel(new DeviceSpan<float>((nint)tile, columns), sums.Slice(column, columns)).Run(0, columns);
    }
}

/// <summary>What each token adds to a sum over tokens, column by column.</summary>
internal interface ITokenTerm
{
    /// <summary>Number of tokens.</summary>
    int Rows { get; }

    /// <summary>False when the token takes no part; otherwise what its columns have in common.</summary>
    bool TakesPart(int row, out Vector512<float> factor);

    /// <summary><paramref name="sum"/> and the token's term, for columns from <paramref name="column"/> on, of which <paramref name="left"/> exist.</summary>
    Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor);
}
