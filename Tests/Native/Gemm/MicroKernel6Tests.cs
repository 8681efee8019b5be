using MoEActors.Native.Cpu.Gemm;

namespace MoEActors.Tests.Native.Gemm;

/// <summary>What takes over where there is no AVX-512, tested wherever AVX2 is.</summary>
public sealed unsafe class MicroKernel6Tests
{
    private const int Rows = Blocking.PanelRows;
    private const int Width = Blocking.SliverColumns;
    private const int Depth = 37;
    private const int Stride = 41;

    [Theory]
    [InlineData(SliverForm.Plain, false, false)]
    [InlineData(SliverForm.Plain, true, true)]
    [InlineData(SliverForm.Pack, false, true)]
    [InlineData(SliverForm.Pack, true, false)]
    [InlineData(SliverForm.Narrow, true, true)]
    internal void Its_chains_are_those_of_the_portable_kernel_to_the_last_bit(SliverForm form, bool continues, bool adds)
    {
        Assert.SkipUnless(MicroKernel6.IsSupported, "This processor has no AVX2.");
        float[] a = Numbers(1, Rows * Depth);
        float[] b = Numbers(2, Stride * Depth);
        float[] chains = Numbers(3, Rows * Width);
        float[] expected = Numbers(4, Rows * Stride);
        float[] actual = [.. expected];
        float[] packed = new float[Width * Depth];
        fixed (float* panel = a, stored = b, from = chains, first = expected, second = actual, sliver = packed)
        {
            var tile = new MicroTile
            {
                A = panel,
                ARow = 1,
                AStep = Rows,
                B = stored,
                BStride = Stride,
                Depth = Depth,
                From = continues ? from : null,
                FromStride = Width,
                To = first,
                ToStride = Stride,
                Addend = adds ? first : null,
                AddendStride = Stride,
                Packed = sliver,
                Ahead = first,
            };
            MicroKernelPortable.Run(Rows, tile);
            tile.To = second;
            tile.Addend = adds ? second : null;
            MicroKernel6.Run(form, tile);
        }

        int columns = form == SliverForm.Narrow ? Width / 2 : Width;
        for (int i = 0; i < expected.Length; i++)
        {
            if (i % Stride < columns)
            {
                Assert.Equal(BitConverter.SingleToInt32Bits(expected[i]), BitConverter.SingleToInt32Bits(actual[i]));
            }
        }

        if (form == SliverForm.Pack)
        {
            Assert.Equal(Enumerable.Range(0, Width * Depth).Select(i => b[i / Width * Stride + i % Width]), packed);
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(5)]
    [InlineData(0)]
    [InlineData(-3)]
    public void Eight_rows_become_columns_and_missing_ones_zero(int rows)
    {
        Assert.SkipUnless(Transpose16.IsSupported, "This processor has no AVX.");
        float[] source = Numbers(5, 8 * Stride);
        float[] turned = new float[8 * 11];
        fixed (float* from = source, to = turned)
        {
            Transpose8.Run(from, Stride, rows, to, 11);
        }

        for (int k = 0; k < 8; k++)
        {
            Assert.Equal(Enumerable.Range(0, 8).Select(r => r < rows ? source[r * Stride + k] : 0f), turned[(k * 11)..(k * 11 + 8)]);
        }
    }

    private static float[] Numbers(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
