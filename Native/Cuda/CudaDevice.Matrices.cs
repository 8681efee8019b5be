using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Products.</summary>
public sealed unsafe partial class CudaDevice
{
    /// <inheritdoc />
    public void MatMul(in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation = Accumulation.Store)
    {
        ProductShapes.Check(a, b, c);
        if (c.Rows == 0 || c.Columns == 0)
        {
            return;
        }

        Gpu.Enter();
        if (a.Columns > 0)
        {
            _products.Run(a, b, c, accumulation);
        }
        else if (accumulation == Accumulation.Store)
        {
            Clear(c);
        }
    }

    /// <inheritdoc />
    public void GroupedMatMul(ReadOnlySpan<MatrixProduct> products, Accumulation accumulation = Accumulation.Store)
    {
        foreach (ref readonly MatrixProduct product in products)
        {
            MatMul(product.A, product.B, product.C, accumulation);
        }
    }

    /// <inheritdoc />
    public void GroupedWeightGradient(ReadOnlySpan<WeightGradient> products, ReadOnlySpan<int> segmentLengths)
    {
        foreach (ref readonly WeightGradient product in products)
        {
            ProductShapes.Check(product, segmentLengths);
            Accumulation accumulation = product.Accumulation;
            int first = 0;
            foreach (int rows in segmentLengths.Slice(product.FirstSegment, product.SegmentCount))
            {
                if (rows > 0)
                {
                    MatMul(product.X.SliceRows(first, rows).T, product.Y.SliceRows(first, rows), product.Gradient, accumulation);
                    accumulation = Accumulation.Add;
                    first += rows;
                }
            }

            if (accumulation == Accumulation.Store)
            {
                Clear(product.Gradient);
            }
        }
    }

    private void Clear(in Matrix matrix)
    {
        if (matrix.Columns == matrix.Stride || matrix.Rows == 1)
        {
            Fill(matrix.Data.Slice(0, (long)matrix.Rows * matrix.Columns), 0f);
            return;
        }

        for (int row = 0; row < matrix.Rows; row++)
        {
            Fill(matrix.Data.Slice((long)row * matrix.Stride, matrix.Columns), 0f);
        }
    }
}
