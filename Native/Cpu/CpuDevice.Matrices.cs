using MoEActors.Native.Cpu.Gemm;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

public sealed unsafe partial class CpuDevice
{
    private readonly GemmEngine _gemm;

    /// <inheritdoc />
    public void MatMul(in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation = Accumulation.Store)
    {
        CheckProduct(a, b, c);
        _gemm.Begin();
        _gemm.Add(a, b, c, accumulation == Accumulation.Add);
        _gemm.Run();
    }

    /// <inheritdoc />
    public void GroupedMatMul(ReadOnlySpan<MatrixProduct> products, Accumulation accumulation = Accumulation.Store)
    {
        _gemm.Begin();
        foreach (ref readonly MatrixProduct product in products)
        {
            CheckProduct(product.A, product.B, product.C);
            _gemm.Add(product.A, product.B, product.C, accumulation == Accumulation.Add);
        }

        _gemm.Run();
    }

    /// <inheritdoc />
    public void GroupedWeightGradient(ReadOnlySpan<WeightGradient> products, ReadOnlySpan<int> segmentLengths)
    {
        _gemm.Begin();
        foreach (ref readonly WeightGradient product in products)
        {
            CheckProduct(product.X.T, product.Y, product.Gradient);
            if (product.FirstSegment < 0 || product.SegmentCount < 0 || product.SegmentCount > segmentLengths.Length - product.FirstSegment)
            {
                throw new ArgumentException(
                    $"Segments {product.FirstSegment} to {(long)product.FirstSegment + product.SegmentCount} are outside of the {segmentLengths.Length} lengths given.",
                    nameof(segmentLengths));
            }

            ReadOnlySpan<int> lengths = segmentLengths.Slice(product.FirstSegment, product.SegmentCount);
            CheckSegments(lengths, product.X.Rows);
            _gemm.Add(product, lengths);
        }

        _gemm.Run();
    }

    /// <inheritdoc />
    public void AddColumnSums(in Matrix y, DeviceSpan<float> sums)
    {
        if (y.Columns != sums.Length)
        {
            throw new ArgumentException($"{sums.Length} sums do not fit a {y.Rows}×{y.Columns} matrix.", nameof(sums));
        }

        if (y.IsTransposed)
        {
            throw new ArgumentException("Column sums of a transposed view are not supported.", nameof(y));
        }

        _team.For(y.Columns, ColumnSums.Grain(y.Rows), new ColumnSums(y, sums));
    }

    private static void CheckProduct(in Matrix a, in Matrix b, in Matrix c)
    {
        if (a.Columns != b.Rows || a.Rows != c.Rows || b.Columns != c.Columns)
        {
            throw new ArgumentException(
                $"A {a.Rows}×{a.Columns} matrix times a {b.Rows}×{b.Columns} one does not give a {c.Rows}×{c.Columns} one.");
        }

        if (c.IsTransposed)
        {
            throw new ArgumentException("The result of a product cannot be a transposed view; exchange and transpose the operands.");
        }
    }

    private static void CheckSegments(ReadOnlySpan<int> lengths, int rows)
    {
        long sum = 0;
        foreach (int length in lengths)
        {
            if (length < 0)
            {
                throw new ArgumentException($"A segment of {length} rows.", nameof(lengths));
            }

            sum += length;
        }

        if (sum != rows)
        {
            throw new ArgumentException($"Segments of {sum} rows in all do not make {rows} rows.", nameof(lengths));
        }
    }
}
