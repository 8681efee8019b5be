using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Products, and the rounding of their operands.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName RoundKernel = new("elementwise", "convert_to_bf16");
    private static readonly KernelName WidenKernel = new("elementwise", "convert_from_bf16");
    private static readonly TypedKernel CopyKernel = new("elementwise", "copy_rows");

    /// <inheritdoc />
    public void Convert(in Matrix source, in Matrix destination)
    {
        Operands.SameShape(destination, source);
        bool line = LaunchShapes.AreDense(source, destination);
        Matrix from = Line(source, line), to = Line(destination, line);
        if (from.Element != to.Element)
        {
            Launch(
                to.Element == ElementType.BF16 ? RoundKernel : WidenKernel, LaunchShapes.Elements(to),
                new ConvertParameters(CudaMatrix.Of(from, from.Element), CudaMatrix.Of(to, to.Element)));
            return;
        }

        if (!line)
        {
            Launch(CopyKernel.Of(to.Element), LaunchShapes.Elements(to), new ConvertParameters(CudaMatrix.Of(from, from.Element), CudaMatrix.Of(to, to.Element)));
            return;
        }

        long bytes = (long)from.Rows * from.Columns * from.Element.Bytes();
        Copy(new DeviceSpan<byte>(from.Address, bytes), new DeviceSpan<byte>(to.Address, bytes));
    }

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
        int bytes = matrix.Element.Bytes();
        bool dense = matrix.Columns == matrix.Stride || matrix.Rows == 1;
        for (int row = 0; row < (dense ? 1 : matrix.Rows); row++)
        {
            CudaStatus.Check(
                Driver.MemsetD8Async(
                    matrix.Address + (nint)row * matrix.Stride * bytes, 0, (nuint)((long)(dense ? matrix.Rows : 1) * matrix.Columns * bytes), _stream.Handle),
                "clearing memory", Gpu.Ordinal);
        }
    }
}
