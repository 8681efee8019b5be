using MoEActors.Native.Memory;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>How work is cut into blocks. What a row's result can depend on, the number of threads that share it, follows from its columns alone.</summary>
internal static class LaunchShapes
{
    /// <summary>Rows of a chunk in a sum over tokens: TOKEN_CHUNK of prelude_sums.cu.</summary>
    public const int TokenChunk = 128;

    /// <summary>Elements of a chunk in a sum of squares: SQUARES_CHUNK of optimizer.cu, and part of the numeric contract.</summary>
    public const int SquaresChunk = 4096;

    private const int Warp = 32;
    private const int LargestRowBlock = 512;
    private const int ElementBlock = 256;
    private const int LargestGridY = 65_535;

    /// <summary>A block per row; a thread takes four columns at a time.</summary>
    public static LaunchShape Rows(int rows, int columns) => new(rows, Math.Clamp(Warps(columns, 4) * Warp, Warp, LargestRowBlock));

    /// <summary>A warp per row.</summary>
    public static LaunchShape WarpRows(int rows) => new(rows, Warp);

    /// <summary>A thread per item.</summary>
    public static LaunchShape Items(long count, int threads) => new(checked((int)((count + threads - 1) / threads)), threads);

    /// <summary>Four elements per thread.</summary>
    public static LaunchShape Elements(long length) => Items((length + 3) / 4, ElementBlock);

    /// <summary>Four elements of a row per thread.</summary>
    public static LaunchShape Elements(in Matrix matrix)
    {
        int threads = Math.Clamp(Warps(matrix.Columns, 4) * Warp, Warp, ElementBlock);
        return Items((matrix.Columns + 3L) / 4, threads) with { BlocksY = Math.Min(matrix.Rows, LargestGridY) };
    }

    /// <summary>Chunks of tokens by columns: a block of 8 by 32 threads takes 32 columns of one chunk.</summary>
    public static LaunchShape TokenChunks(int rows, int columns) => new(ChunkCount(rows), 8 * Warp, BlocksY: Blocks(columns, Warp));

    /// <summary>Chunks of so many tokens.</summary>
    public static int ChunkCount(int rows) => Blocks(rows, TokenChunk);

    /// <summary>
    /// Whether elementwise operands may be taken as one row: each lies without gaps, and they have no more elements than a row may have.
    /// </summary>
    public static bool AreDense(params ReadOnlySpan<Matrix> matrices)
    {
        foreach (ref readonly Matrix matrix in matrices)
        {
            if ((matrix.Stride != matrix.Columns && matrix.Rows > 1) || (long)matrix.Rows * matrix.Columns > int.MaxValue)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The elements of a matrix without gaps as one row.</summary>
    public static Matrix Line(in Matrix matrix) => matrix.Reshape(1, matrix.Rows * matrix.Columns);

    private static int Warps(int columns, int each) => Blocks(columns, each * Warp);

    private static int Blocks(int count, int each) => (int)((count + (long)each - 1) / each);
}
