using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cuda.Products;

/// <summary>
/// Matrix products by cuBLASLt. An algorithm is chosen once for the sizes that stay the same from call to call - those of weights - and kept whatever the number
/// of rows: a row's bits then do not depend on how many there are, and no step waits for a choice. Sums are never split over k.
/// </summary>
internal sealed unsafe class MatrixProducts : IDisposable
{
    /// <summary>What cuBLAS recommends for Hopper.</summary>
    private const int WorkspaceBytes = 32 << 20;

    /// <summary>The number of tokens for which an algorithm is chosen: between the few hundred of an expert and the thousands of a micro-batch.</summary>
    private const int NominalTokens = 2048;

    private const int LargestAlignment = 256;

    private readonly CudaGpu _gpu;
    private readonly CudaStream _stream;
    private readonly bool _tf32;
    private readonly Dictionary<ProductKind, ProductPlan> _plans = [];
    private readonly Dictionary<(int Rows, int Columns, int Stride, ElementType Element), nint> _layouts = [];
    private nint _workspace;
    private nint _handle;

    /// <summary>Opens the library for one stream.</summary>
    /// <param name="gpu">The GPU.</param>
    /// <param name="stream">Where products are queued.</param>
    /// <param name="tf32">Whether operands in fp32 are rounded to ten bits of mantissa, which tensor cores multiply.</param>
    public MatrixProducts(CudaGpu gpu, CudaStream stream, bool tf32)
    {
        _gpu = gpu;
        _stream = stream;
        _tf32 = tf32;
        gpu.Enter();
        CudaStatus.Check(CublasLt.Create(out _handle), "opening cuBLASLt", gpu.Ordinal);
    }

    /// <summary>
    /// <c>C = A·B</c> or <c>C += A·B</c> of shapes that fit, none of which is empty. Row-major <c>C</c> is column-major <c>Cᵀ = Bᵀ·Aᵀ</c>: the operands change
    /// places, nothing is transposed in memory.
    /// </summary>
    public void Run(in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation)
    {
        CublasCompute compute = _tf32 && a.Element == ElementType.F32 ? CublasCompute.F32ByTF32 : CublasCompute.F32;
        var kind = new ProductKind(a, b, c, accumulation, compute, LargestAlignment);
        if (!_plans.TryGetValue(kind, out ProductPlan? plan))
        {
            plan = new ProductPlan(_gpu, kind);
            _plans.Add(kind, plan);
        }

        if (_workspace == 0)
        {
            CudaStatus.Check(Driver.MemAllocAsync(out _workspace, WorkspaceBytes, _stream.Handle), "taking a workspace for products", _gpu.Ordinal);
        }

        if (!plan.HasAlgorithm)
        {
            // Of a product whose both operands are transposed views, neither dimension is tokens.
            bool depthVaries = !kind.RowsVary && !b.IsTransposed;
            Choose(plan, WithNominalTokens(a, kind.RowsVary || depthVaries), WithNominalTokens(b, depthVaries), WithNominalTokens(c, kind.RowsVary));
        }

        if (Multiply(plan, a, b, c, accumulation) == CublasStatus.NotSupported)
        {
            // What suits the usual number of rows does not suit this one.
            Choose(plan, a, b, c);
            CudaStatus.Check(Multiply(plan, a, b, c, accumulation), $"multiplying {a.Rows}×{a.Columns} by {b.Rows}×{b.Columns}", _gpu.Ordinal);
            plan.Forget();
        }
    }

    public void Dispose()
    {
        if (_handle == 0)
        {
            return;
        }

        _gpu.Enter();
        foreach (ProductPlan plan in _plans.Values)
        {
            plan.Dispose();
        }

        foreach (nint layout in _layouts.Values)
        {
            _ = CublasLt.MatrixLayoutDestroy(layout);
        }

        _ = CublasLt.Destroy(_handle);
        if (_workspace != 0)
        {
            _ = Driver.MemFreeAsync(_workspace, _stream.Handle);
        }

        _handle = 0;
    }

    private CublasStatus Multiply(ProductPlan plan, in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation)
    {
        float alpha = 1f;
        float beta = accumulation == Accumulation.Add ? 1f : 0f;
        nint layout = Layout(c);
        CublasStatus status = CublasLt.Matmul(
            _handle, plan.Operation, &alpha, b.Address, Layout(b), a.Address, Layout(a), &beta, c.Address, layout, c.Address, layout, plan.Algorithm,
            _workspace, WorkspaceBytes, _stream.Handle);
        if (status != CublasStatus.NotSupported)
        {
            CudaStatus.Check(status, $"multiplying {a.Rows}×{a.Columns} by {b.Rows}×{b.Columns}", _gpu.Ordinal);
        }

        return status;
    }

    private void Choose(ProductPlan plan, in Matrix a, in Matrix b, in Matrix c)
    {
        nint layout = Layout(c);
        plan.Choose(_handle, Layout(b), Layout(a), layout, WorkspaceBytes, $"{a.Rows}×{a.Columns} by {b.Rows}×{b.Columns}");
    }

    /// <summary>The same matrix with the usual number of stored rows, where they are tokens; only its shape is looked at.</summary>
    private static Matrix WithNominalTokens(in Matrix matrix, bool rowsAreTokens)
    {
        if (!rowsAreTokens)
        {
            return matrix;
        }

        int columns = matrix.IsTransposed ? matrix.Rows : matrix.Columns;
        int stride = Math.Max(matrix.Stride, columns);
        long length = (NominalTokens - 1L) * stride + columns;
        Matrix stored = matrix.Element == ElementType.F32
            ? new Matrix(new DeviceSpan<float>(matrix.Address, length), NominalTokens, columns, stride)
            : Matrix.OfRounded(new DeviceSpan<BFloat16>(matrix.Address, length), NominalTokens, columns, stride);
        return matrix.IsTransposed ? stored.T : stored;
    }

    /// <summary>The layout of what is stored, column-major: kept, since a model has few shapes but rows of an expert vary from step to step.</summary>
    private nint Layout(in Matrix matrix)
    {
        (int rows, int columns) = matrix.IsTransposed ? (matrix.Columns, matrix.Rows) : (matrix.Rows, matrix.Columns);

        // A single stored row may have any stride; cuBLASLt wants one that a row fits into.
        var key = (rows, columns, Math.Max(matrix.Stride, columns), matrix.Element);
        if (!_layouts.TryGetValue(key, out nint layout))
        {
            CudaStatus.Check(
                CublasLt.MatrixLayoutCreate(out layout, matrix.Element == ElementType.F32 ? CudaDataType.F32 : CudaDataType.BF16, (ulong)columns, (ulong)rows, key.Item3), $"describing a matrix of {rows}×{columns}", _gpu.Ordinal);
            _layouts.Add(key, layout);
        }

        return layout;
    }
}
