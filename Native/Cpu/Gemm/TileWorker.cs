using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// Computes tiles of C. A block of A is packed for L2; slivers of B are packed one at a time, while they are first used, so
/// that weights are read from memory once and never written back. Chains longer than a block are kept in the scratch
/// tile and resumed from there; only complete chains are written to C.
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
        bool fresh = product.Fresh;
        foreach (int length in _segments.Slice(product.FirstSegment, product.SegmentCount))
        {
            int part = Blocking.Part(length, Blocking.MaxDepth, 1);
            int done = 0;
            do
            {
                int depth = Math.Min(part, length - done);
                int k = start + done;
                if (!product.ADirect && (_product != index || _row != i || _k != k))
                {
                    // The block is kept for the next tile to the right, when k fits in one block.
                    PanelPacker.Pack(product, i, rows, k, depth, _scratch.Panels);
                    (_product, _row, _k) = (index, i, k);
                }

                Block(product, i, j, rows, columns, k, depth, first: done == 0, last: done + depth == length, fresh);
                done += depth;
            }
            while (done < length);

            start += length;
            fresh = false;
        }
    }

    private readonly void Block(in GemmProduct product, int i, int j, int rows, int columns, int k, int depth, bool first, bool last, bool fresh)
    {
        float* chains = _scratch.Tile;
        MicroTile tile = default;
        tile.Depth = depth;
        tile.Packed = _scratch.Sliver;
        tile.FromStride = Width;
        for (int column = 0; column < columns; column += Width)
        {
            int width = Math.Min(Width, columns - column);
            bool more = column + Width < columns;
            float* c = product.C + i * product.CStride + j + column;
            float* nextColumn = c + Width;
            SliverForm form = Sliver(product, j + column, width, k, depth, rows, ref tile);
            float* panel = _scratch.Panels;
            int height;
            for (int row = 0; row < rows; row += height, c += height * product.CStride)
            {
                int left = rows - row;
                height = MicroKernel.Rows(left);
                tile.A = panel;
                panel += (nint)height * depth;
                tile.ARow = 1;
                tile.AStep = height;
                if (product.ADirect)
                {
                    Panel(product, i + row, Math.Min(left, height), height, k, depth, ref tile);
                }

                tile.Next = more ? SliverPacker.Prefetch(product, j + column + Width, k, depth, row / Blocking.PanelRows) : default;
                tile.From = first ? null : chains;
                bool inside = width == Width && left >= height;
                float* addend = !product.Add ? null : fresh ? _scratch.Zeros : c;
                nint addendStride = fresh ? 0 : product.CStride;
                tile.Addend = last && inside ? addend : null;
                tile.AddendStride = addendStride;
                if (last && inside)
                {
                    tile.To = c;
                    tile.ToStride = product.CStride;
                    tile.Ahead = left > height ? c + height * product.CStride : nextColumn;
                }
                else
                {
                    tile.To = last ? _scratch.Corner : chains;
                    tile.ToStride = Width;
                    tile.Ahead = tile.To;
                }

                MicroKernel.Run(height, form, tile);
                if (form == SliverForm.Pack)
                {
                    form = SliverForm.Plain;
                    tile.B = _scratch.Sliver;
                    tile.BStride = Width;
                }

                if (last && !inside)
                {
                    Finish(_scratch.Corner, c, product.CStride, Math.Min(height, left), width, addend, addendStride);
                }

                chains += height * Width;
            }
        }
    }

    /// <summary>Points the tile at a sliver of B: where it is stored if kernels can read it there, packed otherwise.</summary>
    private readonly SliverForm Sliver(in GemmProduct product, int j, int width, int k, int depth, int rows, ref MicroTile tile)
    {
        if (MicroKernel.Packs && !product.BTransposed && width == Width)
        {
            tile.B = product.B + k * product.BStride + j;
            tile.BStride = product.BStride;
            return rows > Blocking.PanelRows ? SliverForm.Pack : SliverForm.Plain;
        }

        SliverPacker.Pack(product, j, width, k, depth, _scratch.Sliver);
        tile.B = _scratch.Sliver;
        tile.BStride = Width;
        return width <= Width / 2 ? SliverForm.Narrow : SliverForm.Plain;
    }

    /// <summary>Points the tile at rows of A where they are stored, unless there are too few of them for the kernel.</summary>
    private readonly void Panel(in GemmProduct product, int i, int rows, int height, int k, int depth, ref MicroTile tile)
    {
        if (rows < height)
        {
            PanelPacker.Pack(product, i, rows, k, depth, _scratch.Panels);
            tile.A = _scratch.Panels;
            return;
        }

        tile.ARow = product.ATransposed ? 1 : product.AStride;
        tile.AStep = product.ATransposed ? product.AStride : 1;
        tile.A = product.A + i * tile.ARow + k * tile.AStep;
    }

    /// <summary>Copies the part of a micro-tile that lies inside C to C.</summary>
    private static void Finish(float* chains, float* c, nint stride, int rows, int columns, float* addend, nint addendStride)
    {
        bool add = addend != null;
        for (int r = 0; r < rows; r++, chains += Width, c += stride, addend += addendStride)
        {
            int j = 0;
            for (; j <= columns - 8; j += 8)
            {
                Vector256<float> chain = Vector256.Load(chains + j);
                (add ? Vector256.Load(addend + j) + chain : chain).Store(c + j);
            }

            for (; j < columns; j++)
            {
                c[j] = add ? addend[j] + chains[j] : chains[j];
            }
        }
    }
}
