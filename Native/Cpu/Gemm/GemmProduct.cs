using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>One product as it is scheduled: operands as pointers, its segments of k, and how it is cut into tiles.</summary>
internal unsafe struct GemmProduct
{
    public float* A;
    public float* B;
    public float* C;
    public nint AStride;
    public nint BStride;
    public nint CStride;

    /// <summary>A's columns (k) are stored as rows.</summary>
    public bool ATransposed;

    /// <summary>Kernels read A where it is stored.</summary>
    public bool ADirect;

    /// <summary>B's columns are stored as rows.</summary>
    public bool BTransposed;

    /// <summary>The result is added to C.</summary>
    public bool Add;

    /// <summary>
    /// What C holds counts as +0: the first segment is added to that. Not the same as storing it, which would keep a −0.
    /// </summary>
    public bool Fresh;

    public int Rows;
    public int Columns;

    /// <summary>Index of the first segment length; segments are complete sums of their own, added one after the other.</summary>
    public int FirstSegment;

    public int SegmentCount;

    /// <summary>Longest segment.</summary>
    public int Depth;

    public int TileRows;
    public int TileColumns;

    /// <summary>Tiles side by side.</summary>
    public int TilesAcross;

    /// <summary>Number of this product's first tile in the flat list of all tiles.</summary>
    public int FirstTile;

    /// <summary>Multiply-add steps of the whole product.</summary>
    public long Steps;

    /// <summary>A product of these operands, not yet cut into tiles.</summary>
    public static GemmProduct Of(in Matrix a, in Matrix b, in Matrix c, bool add) => new()
    {
        A = a.Data.Pointer,
        B = b.Data.Pointer,
        C = c.Data.Pointer,
        AStride = a.Stride,
        BStride = b.Stride,
        CStride = c.Stride,
        ATransposed = a.IsTransposed,
        BTransposed = b.IsTransposed,
        Add = add,
        Rows = c.Rows,
        Columns = c.Columns,
    };
}
