namespace MoEActors.Native.Cpu.Gemm;

/// <summary>Cuts C into tiles: as large as scratch memory lets them be, and enough of them to balance the threads.</summary>
internal static class Tiling
{
    /// <summary>Pieces a thread should find at least, so that one that lost time to a neighbour can be helped.</summary>
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
