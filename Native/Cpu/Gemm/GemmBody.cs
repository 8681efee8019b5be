using MoEActors.Native.Cpu.Threads;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>Works through a range of the flat list of tiles.</summary>
internal readonly unsafe struct GemmBody(GemmEngine engine) : IRangeBody
{
    /// <inheritdoc />
    public void Run(int start, int end)
    {
        GemmScratch scratch = engine.Rent();
        ReadOnlySpan<GemmProduct> products = engine.Products;
        int p = Find(products, start);
        var worker = new TileWorker(scratch, engine.Segments);
        for (int tile = start; tile < end; tile++)
        {
            while (p + 1 < products.Length && products[p + 1].FirstTile <= tile)
            {
                p++;
            }

            worker.Run(products[p], p, tile - products[p].FirstTile);
        }

        engine.Return(scratch);
    }

    private static int Find(ReadOnlySpan<GemmProduct> products, int tile)
    {
        int low = 0;
        int high = products.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (products[middle].FirstTile <= tile)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }
}
