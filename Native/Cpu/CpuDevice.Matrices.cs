using MoEActors.Native.Cpu.Gemm;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

public sealed unsafe partial class CpuDevice
{
    private readonly GemmEngine _gemm;

    /// <inheritdoc />
    public void Convert(in Matrix source, in Matrix destination)
    {
        Operands.SameShape(destination, source);
        for (int row = 0; row < source.Rows; row++)
        {
            Matrix from = source.SliceRows(row, 1), to = destination.SliceRows(row, 1);
            if (from.Element == to.Element)
            {
                long bytes = (long)from.Columns * from.Element.Bytes();
                Buffer.MemoryCopy((void*)from.Address, (void*)to.Address, bytes, bytes);
                continue;
            }

            for (int column = 0; column < source.Columns; column++)
            {
                float value = from.Element == ElementType.F32 ? from.Data.Pointer[column] : from.RoundedData.Pointer[column].ToSingle();
                if (to.Element == ElementType.F32)
                {
                    to.Data.Pointer[column] = value;
                }
                else
                {
                    to.RoundedData.Pointer[column] = BFloat16.Round(value);
                }
            }
        }
    }

    /// <inheritdoc />
    public void MatMul(in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation = Accumulation.Store)
    {
        ProductShapes.Check(a, b, c);
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
            ProductShapes.Check(product.A, product.B, product.C);
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
            ProductShapes.Check(product, segmentLengths);
            _gemm.Add(product, segmentLengths.Slice(product.FirstSegment, product.SegmentCount));
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
}
