using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>The emulated cublasLt multiplies as the real one is defined to, and refuses what that may refuse.</summary>
[Collection(CudaCollection.Name)]
public sealed unsafe class ProductTests
{
    private const int InvalidValue = 7;
    private static readonly CublasCompute Plain = CublasCompute.F32;

    [Theory]
    [InlineData(false, false, 0f, 1)]
    [InlineData(true, false, 1f, 1)]
    [InlineData(false, true, 0.5f, 1)]
    [InlineData(true, true, 0f, 1)]
    [InlineData(false, false, 1f, 3)]
    [InlineData(true, true, 1f, 2)]
    public void A_product_is_the_sum_of_products(bool transposeA, bool transposeB, float beta, int batches)
    {
        const int m = 5, n = 7, k = 9, gap = 3;
        using var gpu = new EmulatedGpu();
        using var product = new Product(Plain, transposeA, transposeB, m, n, k, gap, batches);
        var random = new Random(1);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(-8, 8) / 4f)];
        float[] a = Values(product.ElementsA), b = Values(product.ElementsB), c = Values(product.ElementsC);
        nint onDevice = gpu.Upload(c);
        Assert.Equal(CublasStatus.Success, product.Run(gpu, gpu.Upload(a), gpu.Upload(b), onDevice, beta));
        float[] found = gpu.Download(onDevice, c.Length);
        for (int batch = 0; batch < batches; batch++)
        {
            int atA = batch * product.StrideA, atB = batch * product.StrideB, atC = batch * product.StrideC;
            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j < n; j++)
                {
                    // Column by column, with leading dimensions that are larger than a column. The numbers are exact.
                    float expected = beta * c[atC + j * (m + gap) + i];
                    for (int l = 0; l < k; l++)
                    {
                        expected += a[atA + (transposeA ? i * (k + gap) + l : l * (m + gap) + i)] * b[atB + (transposeB ? l * (n + gap) + j : j * (k + gap) + l)];
                    }

                    Assert.Equal(expected, found[atC + j * (m + gap) + i]);
                }

                Assert.Equal(c[atC + m], found[atC + m]);
            }
        }
    }

    [Fact]
    public void With_tf32_the_operands_keep_ten_bits()
    {
        using var gpu = new EmulatedGpu();
        float precise = 1f + MathF.ScaleB(1, -11) + MathF.ScaleB(1, -20), kept = 1f + MathF.ScaleB(1, -10);
        float Multiply(CublasCompute compute)
        {
            using var product = new Product(compute, false, false, 4, 4, 4, 0, 1);
            nint c = gpu.Upload(new float[16]);
            float[] a = new float[16], b = new float[16];
            a[0] = precise;
            b[0] = 1f;
            Assert.Equal(CublasStatus.Success, product.Run(gpu, gpu.Upload(a), gpu.Upload(b), c, 0f));
            return gpu.Download(c, 1)[0];
        }

        Assert.Equal(precise, Multiply(Plain));
        Assert.Equal(kept, Multiply(CublasCompute.F32ByTF32));
    }

    [Fact]
    public void Without_beta_what_was_there_is_not_read()
    {
        using var gpu = new EmulatedGpu();
        using var product = new Product(Plain, false, false, 4, 4, 4, 0, 1);
        nint c = gpu.Allocate(16 * sizeof(float)); // NaNs
        Assert.Equal(CublasStatus.Success, product.Run(gpu, gpu.Upload(new float[16]), gpu.Upload(new float[16]), c, 0f));
        Assert.Equal(new float[16], gpu.Download(c, 16));
    }

    [Fact]
    public void Long_sums_are_split_where_that_is_allowed_and_the_bits_differ()
    {
        using var gpu = new EmulatedGpu();
        var random = new Random(2);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        using var product = new Product(Plain, false, false, 8, 8, 2048, 0, 1);
        nint a = gpu.Upload(Values(product.ElementsA)), b = gpu.Upload(Values(product.ElementsB));
        float[] Multiply(uint reductions)
        {
            nint c = gpu.Upload(new float[64]);
            Assert.Equal(CublasStatus.Success, product.Run(gpu, a, b, c, 0f, reductions));
            return gpu.Download(c, 64);
        }

        float[] whole = Multiply(0), split = Multiply(7);
        Assert.Equal(whole, Multiply(0));
        Assert.NotEqual(whole, split);
        Assert.All(whole.Zip(split), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Memory_and_alignment_are_checked()
    {
        CudaResult After(Func<EmulatedGpu, Product, CublasStatus> queue, CublasStatus status = CublasStatus.Success)
        {
            using var gpu = new EmulatedGpu();
            using var product = new Product(Plain, false, false, 4, 4, 4, 0, 1);
            Assert.Equal(status, queue(gpu, product));
            return Driver.StreamSynchronize(gpu.Stream);
        }

        static nint Sixteen(EmulatedGpu gpu) => gpu.Upload(new float[16]);
        Assert.Equal(CudaResult.Success, After((gpu, p) => p.Run(gpu, Sixteen(gpu), Sixteen(gpu), Sixteen(gpu), 0f)));
        Assert.Equal(CudaResult.IllegalAddress, After((gpu, p) => p.Run(gpu, gpu.Upload(new float[15]), Sixteen(gpu), Sixteen(gpu), 0f)));
        Assert.Equal(CudaResult.IllegalAddress, After((gpu, p) => p.Run(gpu, Sixteen(gpu), gpu.Upload(new float[15]), Sixteen(gpu), 0f)));
        Assert.Equal(CudaResult.IllegalAddress, After((gpu, p) => p.Run(gpu, Sixteen(gpu), Sixteen(gpu), gpu.Upload(new float[15]), 0f)));
        Assert.Equal(719, (int)After((gpu, p) => { nint x = Sixteen(gpu); return p.Run(gpu, x, Sixteen(gpu), x, 0f); }));
        Assert.Equal(CudaResult.Success, After((gpu, p) => p.Run(gpu, gpu.Upload(new float[17]) + 4, Sixteen(gpu), Sixteen(gpu), 0f), (CublasStatus)InvalidValue));
        Assert.Equal(CudaResult.Success, After((gpu, p) => p.Run(gpu, gpu.Upload(new float[17]) + 4, Sixteen(gpu), Sixteen(gpu), 0f, alignment: 4)));
    }

    /// <summary>A product of m x k by k x n, columns `gap` floats further apart than they are long.</summary>
    private sealed class Product : IDisposable
    {
        private const int WorkspaceBytes = 1 << 20;

        private readonly nint _handle, _operation, _a, _b, _c;

        public Product(CublasCompute compute, bool transposeA, bool transposeB, int m, int n, int k, int gap, int batches)
        {
            (int Rows, int Columns) a = transposeA ? (k, m) : (m, k), b = transposeB ? (n, k) : (k, n);
            Good(CublasLt.Create(out _handle));
            Good(CublasLt.MatmulDescCreate(out _operation, compute, CudaDataType.F32));
            int yes = 1;
            if (transposeA)
            {
                Good(CublasLt.MatmulDescSetAttribute(_operation, MatmulDescAttribute.TransposeA, &yes, sizeof(int)));
            }

            if (transposeB)
            {
                Good(CublasLt.MatmulDescSetAttribute(_operation, MatmulDescAttribute.TransposeB, &yes, sizeof(int)));
            }

            (StrideA, StrideB, StrideC) = ((a.Rows + gap) * a.Columns, (b.Rows + gap) * b.Columns, (m + gap) * n);
            (ElementsA, ElementsB, ElementsC) = (StrideA * batches, StrideB * batches, StrideC * batches);
            _a = Layout(a.Rows, a.Columns, gap, batches, StrideA);
            _b = Layout(b.Rows, b.Columns, gap, batches, StrideB);
            _c = Layout(m, n, gap, batches, StrideC);
        }

        public int StrideA { get; }

        public int StrideB { get; }

        public int StrideC { get; }

        public int ElementsA { get; }

        public int ElementsB { get; }

        public int ElementsC { get; }

        public CublasStatus Run(EmulatedGpu gpu, nint a, nint b, nint c, float beta, uint reductions = 0, uint alignment = 256)
        {
            Good(CublasLt.MatmulPreferenceCreate(out nint preference));
            ulong most = WorkspaceBytes;
            Good(CublasLt.MatmulPreferenceSetAttribute(preference, MatmulPreferenceAttribute.MaxWorkspaceBytes, &most, sizeof(ulong)));
            Good(CublasLt.MatmulPreferenceSetAttribute(preference, MatmulPreferenceAttribute.ReductionSchemeMask, &reductions, sizeof(uint)));
            Good(CublasLt.MatmulPreferenceSetAttribute(preference, MatmulPreferenceAttribute.MinAlignmentA, &alignment, sizeof(uint)));
            MatmulHeuristicResult result = default;
            Good(CublasLt.MatmulAlgoGetHeuristic(_handle, _operation, _a, _b, _c, _c, preference, 1, &result, out int found));
            Assert.Equal((1, CublasStatus.Success), (found, result.State));
            Good(CublasLt.MatmulPreferenceDestroy(preference));
            float alpha = 1f;
            return CublasLt.Matmul(
                _handle, _operation, &alpha, a, _a, b, _b, &beta, c, _c, c, _c, result.Algorithm, gpu.Allocate(WorkspaceBytes), WorkspaceBytes, gpu.Stream);
        }

        public void Dispose()
        {
            Good(CublasLt.MatrixLayoutDestroy(_a));
            Good(CublasLt.MatrixLayoutDestroy(_b));
            Good(CublasLt.MatrixLayoutDestroy(_c));
            Good(CublasLt.MatmulDescDestroy(_operation));
            Good(CublasLt.Destroy(_handle));
        }

        private static void Good(CublasStatus status) => Assert.Equal(CublasStatus.Success, status);

        private static nint Layout(int rows, int columns, int gap, int batches, long stride)
        {
            Good(CublasLt.MatrixLayoutCreate(out nint layout, CudaDataType.F32, (ulong)rows, (ulong)columns, rows + gap));
            Good(CublasLt.MatrixLayoutSetAttribute(layout, MatrixLayoutAttribute.BatchCount, &batches, sizeof(int)));
            Good(CublasLt.MatrixLayoutSetAttribute(layout, MatrixLayoutAttribute.StridedBatchOffset, &stride, sizeof(long)));
            return layout;
        }
    }
}
