namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// Computes tiles of C. A block of A is packed for L2; slivers of B are packed one at a time, right before they are used, so
/// that weights are read from memory once and never written back. Chains longer than a block stop in the scratch tile and
/// go on from there; only complete chains reach C.
/// </summary>
internal unsafe ref struct TileWorker(GemmScratch scratch, ReadOnlySpan<int> segments)
{
    private const int Width = Blocking.SliverColumns;

    private readonly GemmScratch _scratch = scratch;
    private readonly ReadOnlySpan<int> _segments = segments;
    private int _product = -1;
    private int _row;
    private int _k;

    /// <summary>Computes tile number <paramref name="tile"/> of <paramref name="product"/>, all of its segments.</summary>
    public void Run(in GemmProduct product, int index, int tile)
    {
        int i = tile / product.TilesAcross * product.TileRows;
        int j = tile % product.TilesAcross * product.TileColumns;
        int rows = Math.Min(product.TileRows, product.Rows - i);
        int columns = Math.Min(product.TileColumns, product.Columns - j);
        int start = 0;
        foreach (int length in _segments.Slice(product.FirstSegment, product.SegmentCount))
        {
            int part = Blocking.Part(length, Blocking.MaxDepth, 1);
            int k = 0;
            do
            {
                int depth = Math.Min(part, length - k);
                if (_product != index || _row != i || _k != start + k)
                {
                    // The block stays for the next tile to the right, when k fits in one block.
                    PanelPacker.Pack(product, i, rows, start + k, depth, _scratch.Panels);
                    (_product, _row, _k) = (index, i, start + k);
                }

                Block(product, i, j, rows, columns, start + k, depth, first: k == 0, last: k + depth == length);
                k += depth;
            }
            while (k < length);

            start += length;
        }
    }

    private readonly void Block(in GemmProduct product, int i, int j, int rows, int columns, int k, int depth, bool first, bool last)
    {
        float* chains = _scratch.Tile;
        MicroTile tile = default;
        tile.Depth = depth;
        tile.Packed = _scratch.Sliver;
        for (int column = 0; column < columns; column += Width)
        {
            int width = Math.Min(Width, columns - column);
            bool packs = MicroKernel.Packs && !product.BTransposed && width == Width;
            if (packs)
            {
                tile.B = product.B + k * product.BStride + j + column;
                tile.BStride = product.BStride;
            }
            else
            {
                SliverPacker.Pack(product, j + column, width, k, depth, _scratch.Sliver);
                tile.B = _scratch.Sliver;
                tile.BStride = Width;
            }

            bool more = column + Width < columns;
            tile.A = _scratch.Panels;
            int height;
            for (int row = 0; row < rows; row += height)
            {
                height = MicroKernel.Rows(rows - row);
                tile.Next = more ? SliverPacker.Prefetch(product, j + column + Width, k, depth, row / Blocking.PanelRows) : default;
                tile.From = first ? null : chains;
                tile.FromStride = Width;
                float* c = product.C + (i + row) * product.CStride + j + column;
                bool inside = width == Width && rows - row >= height;
                if (last && inside)
                {
                    tile.To = c;
                    tile.ToStride = product.CStride;
                    tile.Ahead = row + height < rows ? c + height * product.CStride : product.C + i * product.CStride + j + column + Width;
                    tile.Add = product.Add;
                }
                else
                {
                    tile.To = last ? _scratch.Corner : chains;
                    tile.ToStride = Width;
                    tile.Ahead = tile.To;
                    tile.Add = false;
                }

                if (packs && row == 0 && rows > height)
                {
                    MicroKernel.Run<StoredSliver>(height, tile);
                    tile.B = _scratch.Sliver;
                    tile.BStride = Width;
                }
                else
                {
                    MicroKernel.Run<PackedSliver>(height, tile);
                }

                if (last && !inside)
                {
                    Finish(_scratch.Corner, c, product.CStride, Math.Min(height, rows - row), width, product.Add);
                }

                tile.A += height * depth;
                chains += height * Width;
            }
        }
    }

    /// <summary>Brings the part of a micro-tile that lies inside of C there.</summary>
    private static void Finish(float* chains, float* c, nint stride, int rows, int columns, bool add)
    {
        for (int r = 0; r < rows; r++, chains += Width, c += stride)
        {
            for (int j = 0; j < columns; j++)
            {
                c[j] = add ? c[j] + chains[j] : chains[j];
            }
        }
    }
}
