using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// Schedules products: all tiles of all products of a call form one flat list, which the team's threads work through. The
/// lists and the scratch memory are kept from call to call, so that a warm engine allocates nothing.
/// </summary>
internal sealed unsafe class GemmEngine(ThreadTeam team) : IDisposable
{
    private readonly GemmScratch?[] _scratch = new GemmScratch?[team.Count];
    private GemmProduct[] _products = new GemmProduct[16];
    private int[] _segments = new int[16];
    private int _count;
    private int _segmentCount;
    private long _steps;

    public ReadOnlySpan<GemmProduct> Products => _products.AsSpan(0, _count);

    public ReadOnlySpan<int> Segments => _segments.AsSpan(0, _segmentCount);

    /// <summary>Clears the products of the last call.</summary>
    public void Begin()
    {
        _count = 0;
        _segmentCount = 0;
        _steps = 0;
    }

    /// <summary>Adds <c>C (+)= A·B</c>.</summary>
    public void Add(in Matrix a, in Matrix b, in Matrix c, bool add)
    {
        int segment = AddSegment(a.Columns);
        Append(GemmProduct.Of(a, b, c, add), segment, 1, a.Columns, a.Columns);
    }

    /// <summary>Adds the parts of a weight gradient, one per segment.</summary>
    public void Add(in WeightGradient product, ReadOnlySpan<int> lengths)
    {
        int first = _segmentCount;
        int longest = 0;
        foreach (int length in lengths)
        {
            // The part of an empty segment would be +0, and G is never −0: it starts at +0, and a sum that rounds to nearest
            // is −0 only when both terms are. Leaving it out changes no bit.
            if (length > 0)
            {
                AddSegment(length);
                longest = Math.Max(longest, length);
            }
        }

        if (longest > 0)
        {
            GemmProduct sum = GemmProduct.Of(product.X.T, product.Y, product.Gradient, add: true);
            sum.Fresh = product.Accumulation == Accumulation.Store;
            Append(sum, first, _segmentCount - first, longest, product.X.Rows);
        }
        else if (product.Accumulation == Accumulation.Store)
        {
            Clear(product.Gradient);
        }
    }

    /// <summary>Computes what was added.</summary>
    public void Run()
    {
        int threads = _steps < Blocking.InlineSteps ? 1 : team.Count;
        int tiles = 0;
        for (int p = 0; p < _count; p++)
        {
            ref GemmProduct product = ref _products[p];
            Tiling.Choose(ref product, threads, _steps);
            product.FirstTile = tiles;
            tiles = checked(tiles + Tiling.Count(product));
        }

        team.For(tiles, threads == 1 ? Math.Max(tiles, 1) : 1, new GemmBody(this));
    }

    /// <summary>Takes scratch memory for one thread. There is never more of it than threads.</summary>
    public GemmScratch Rent()
    {
        for (int i = 0; i < _scratch.Length; i++)
        {
            if (Interlocked.Exchange(ref _scratch[i], null) is { } scratch)
            {
                return scratch;
            }
        }

        return new GemmScratch();
    }

    /// <summary>Gives scratch memory back.</summary>
    public void Return(GemmScratch scratch)
    {
        for (int i = 0; i < _scratch.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _scratch[i], scratch, null) is null)
            {
                return;
            }
        }

        scratch.Dispose();
    }

    public void Dispose()
    {
        for (int i = 0; i < _scratch.Length; i++)
        {
            Interlocked.Exchange(ref _scratch[i], null)?.Dispose();
        }
    }

    private static void Clear(in Matrix gradient)
    {
        for (int row = 0; row < gradient.Rows; row++)
        {
            new Span<float>(gradient.Data.Pointer + row * (nint)gradient.Stride, gradient.Columns).Clear();
        }
    }

    private void Append(GemmProduct product, int firstSegment, int segments, int longest, int depth)
    {
        if (product.Rows == 0 || product.Columns == 0)
        {
            return;
        }

        product.FirstSegment = firstSegment;
        product.SegmentCount = segments;
        product.Depth = longest;
        product.Steps = (long)product.Rows * product.Columns * depth;
        _steps += product.Steps;
        if (_count == _products.Length)
        {
            Array.Resize(ref _products, 2 * _count);
        }

        _products[_count++] = product;
    }

    private int AddSegment(int length)
    {
        if (_segmentCount == _segments.Length)
        {
            Array.Resize(ref _segments, 2 * _segmentCount);
        }

        _segments[_segmentCount] = length;
        return _segmentCount++;
    }
}

/// <summary>Works through a range of the flat list of tiles.</summary>
internal readonly unsafe struct GemmBody(GemmEngine engine) : IRangeBody
{
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
