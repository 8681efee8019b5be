namespace MoEActors.Native.Cpu.Gemm;

/// <summary>The sizes in which products are cut. None of them changes a bit of any result, only the time it takes.</summary>
internal static class Blocking
{
    /// <summary>Rows of the largest micro-kernel.</summary>
    public const int PanelRows = 12;

    /// <summary>Columns of every micro-kernel: two AVX-512 registers.</summary>
    public const int SliverColumns = 32;

    /// <summary>
    /// Most steps of k in one packed block. A sliver of 128 KB needs a small part of L2's bandwidth, and every block
    /// less is one pass less over unfinished chains: 1,024 was 2 to 4 % faster than 512 at 768 × 1536 × 768 and 2048³.
    /// </summary>
    public const int MaxDepth = 1024;

    /// <summary>Elements of a packed block of A: 480 KB, half of an L2 cache of 1 MB.</summary>
    public const int BlockElements = 120 * MaxDepth;

    /// <summary>Most rows of a block of A, whatever its depth.</summary>
    public const int MaxRows = 960;

    /// <summary>Columns of C up to which A is read where it is stored: packing it would cost more than it saves.</summary>
    public const int DirectColumns = 64;

    /// <summary>Elements of the tile that keeps unfinished chains.</summary>
    public const int TileElements = 240 * 2048;

    /// <summary>Fewer steps than this (rows·columns·k) are not worth waking a thread for.</summary>
    public const long InlineSteps = 1 << 20;

    /// <summary><paramref name="value"/> rounded up to a multiple of <paramref name="unit"/>.</summary>
    public static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;

    /// <summary>The size of equal parts, a multiple of <paramref name="unit"/>, of which none is larger than <paramref name="most"/>.</summary>
    public static int Part(int total, int most, int unit)
    {
        int parts = Math.Max(1, (total + most - 1) / most);
        return Math.Max(unit, RoundUp((total + parts - 1) / parts, unit));
    }
}

/// <summary>Cuts C into tiles: as large as scratch memory allows, and enough of them to balance the threads.</summary>
internal static class Tiling
{
    /// <summary>The least number of pieces per thread: other threads then take over those of one that has been delayed.</summary>
    private const int PiecesPerThread = 16;

    /// <summary>Chooses the tiles of one product of a call that has <paramref name="steps"/> steps in all.</summary>
    public static void Choose(ref GemmProduct product, int threads, long steps)
    {
        product.ADirect = product.Columns <= Blocking.DirectColumns;
        int depth = Blocking.Part(product.Depth, Blocking.MaxDepth, 1);
        int mostRows = Math.Min(Blocking.MaxRows, Blocking.BlockElements / depth / Blocking.PanelRows * Blocking.PanelRows);
        product.TileRows = Blocking.Part(product.Rows, mostRows, Blocking.PanelRows);
        int mostColumns = Blocking.RoundUp(product.Columns, Blocking.SliverColumns);
        if (product.Depth > Blocking.MaxDepth)
        {
            mostColumns = Math.Min(
                mostColumns, Blocking.TileElements / product.TileRows / Blocking.SliverColumns * Blocking.SliverColumns);
        }

        if (threads > 1)
        {
            long wanted = Math.Max(Blocking.InlineSteps, steps / (threads * PiecesPerThread));
            long perColumn = Math.Max(1, product.Steps * product.TileRows / product.Rows / product.Columns);
            mostColumns = (int)Math.Min(mostColumns, Math.Max(wanted / perColumn, 4 * Blocking.SliverColumns));
        }

        product.TileColumns = Blocking.Part(product.Columns, mostColumns, Blocking.SliverColumns);
        product.TilesAcross = (product.Columns + product.TileColumns - 1) / product.TileColumns;
    }

    /// <summary>Number of tiles of a product.</summary>
    public static int Count(in GemmProduct product) =>
        checked((product.Rows + product.TileRows - 1) / product.TileRows * product.TilesAcross);
}
