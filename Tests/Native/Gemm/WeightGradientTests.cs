using FsCheck;
using FsCheck.Fluent;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Gemm;

/// <summary>Weight gradients are sums of complete parts, one per segment, bit for bit.</summary>
public sealed class WeightGradientTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Equals_its_definition(int threads)
    {
        using var device = new CpuDevice(threads);
        Check(device, [(40, 70, [3, 0, 17, 1]), (1, 1, [1]), (300, 33, [1100, 20]), (5, 9, []), (65, 130, [0, 0]), (12, 32, [1025, 1024])]);
    }

    [Fact]
    public void Equals_its_definition_for_random_segments()
    {
        using var one = new CpuDevice(1);
        using var two = new CpuDevice(2);
        Gen<(int, int, int[])> product =
            from a in Gen.Choose(0, 80)
            from b in Gen.Choose(0, 80)
            from lengths in Gen.Choose(0, 60).ArrayOf()
            select (a, b, lengths.Take(6).ToArray());
        Prop.ForAll(product.ArrayOf().ToArbitrary(), products =>
        {
            Check(one, products.Take(8).ToArray());
            Check(two, products.Take(8).ToArray());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(25));
    }

    [Fact]
    public void Segments_that_do_not_add_up_are_refused()
    {
        using var device = new CpuDevice();
        var random = new Random(1);
        using var x = new GuardedMatrix(device, random, 10, 4);
        using var y = new GuardedMatrix(device, random, 10, 6);
        using var gradient = new GuardedMatrix(device, random, 4, 6);
        Refused(5, 4);
        Refused(11, -1);
        Refused(10);

        void Refused(params int[] lengths) => Assert.Throws<ArgumentException>(
            () => device.GroupedWeightGradient([new(x.Matrix, y.Matrix, gradient.Matrix, 0, 2)], lengths));
    }

    [Theory]
    [InlineData(4, 40)]
    [InlineData(40, 5)]
    public void A_sum_that_begins_with_minus_zero_is_plus_zero(int rows, int columns)
    {
        // Stored as it is, a part that underflows would make a gradient −0 that is +0 when it is added to zeros.
        using var device = new CpuDevice();
        var random = new Random(1);
        using var x = new GuardedMatrix(device, random, 1, rows);
        using var y = new GuardedMatrix(device, random, 1, columns);
        using var gradient = new GuardedMatrix(device, random, rows, columns, 3);
        Fill(x.Matrix, 1e-30f);
        Fill(y.Matrix, -1e-30f);
        device.MatMul(x.Matrix.T, y.Matrix, gradient.Matrix);
        Assert.True(float.IsNegative(gradient.Matrix.Data.AsSpan()[0]));
        device.GroupedWeightGradient([new(x.Matrix, y.Matrix, gradient.Matrix, 0, 1, Accumulation.Store)], [1]);

        gradient.AssertIs(new float[rows, columns], "the sum");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Column_sums_are_taken_from_zero_and_then_added(int threads)
    {
        using var device = new CpuDevice(threads);
        var random = new Random(1);
        foreach ((int rows, int columns) in ((int, int)[])[(0, 5), (1, 1), (7, 63), (30, 64), (3000, 333)])
        {
            using var y = new GuardedMatrix(device, random, rows, columns, 3);
            using var sums = new GuardedMatrix(device, random, 1, columns);
            var expected = new float[1, columns];
            for (int j = 0; j < columns; j++)
            {
                float sum = 0;
                for (int i = 0; i < rows; i++)
                {
                    sum += Reference.Element(y.Matrix, i, j);
                }

                expected[0, j] = Reference.Element(sums.Matrix, 0, j) + sum;
            }

            device.AddColumnSums(y.Matrix, sums.Matrix.Data);
            sums.AssertIs(expected, $"{rows}×{columns}");
        }
    }

    private static void Fill(in Matrix matrix, float value)
    {
        for (int row = 0; row < matrix.Rows; row++)
        {
            matrix.Data.AsSpan().Slice(row * matrix.Stride, matrix.Columns).Fill(value);
        }
    }

    private static void Check(CpuDevice device, (int A, int B, int[] Lengths)[] shapes)
    {
        var random = new Random(11);
        var matrices = new List<GuardedMatrix>();
        var products = new List<WeightGradient>();
        var expected = new List<float[,]>();
        var segments = new List<int> { 99 };
        foreach ((int a, int b, int[] lengths) in shapes)
        {
            int rows = lengths.Sum();
            var x = new GuardedMatrix(device, random, rows, a, 1);
            var y = new GuardedMatrix(device, random, rows, b, 2);
            var gradient = new GuardedMatrix(device, random, a, b, 3);
            matrices.AddRange([x, y, gradient]);
            Accumulation accumulation = products.Count % 2 == 0 ? Accumulation.Add : Accumulation.Store;
            if (accumulation == Accumulation.Store)
            {
                Fill(gradient.Matrix, 0f);
            }

            products.Add(new WeightGradient(x.Matrix, y.Matrix, gradient.Matrix, segments.Count, lengths.Length, accumulation));
            expected.Add(Reference.WeightGradient(x.Matrix, y.Matrix, gradient.Matrix, lengths));
            if (accumulation == Accumulation.Store)
            {
                Fill(gradient.Matrix, float.NaN);
            }

            segments.AddRange(lengths);
        }

        device.GroupedWeightGradient(products.ToArray(), segments.ToArray());
        for (int p = 0; p < expected.Count; p++)
        {
            matrices[3 * p + 2].AssertIs(expected[p], $"product {p} of {shapes.Length}, {device.Description}");
        }

        matrices.ForEach(matrix => matrix.Dispose());
    }
}
