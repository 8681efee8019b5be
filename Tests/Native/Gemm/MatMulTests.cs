using FsCheck;
using FsCheck.Fluent;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Gemm;

/// <summary>Products equal their definition bit for bit, whatever the shape, the storage and the number of threads.</summary>
public sealed class MatMulTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(0, 5, 3)]
    [InlineData(5, 0, 3)]
    [InlineData(5, 3, 0)]
    [InlineData(12, 32, 16)]
    [InlineData(13, 33, 17)]
    [InlineData(64, 32, 64)]
    [InlineData(37, 8, 128)]
    [InlineData(4, 100, 515)]
    [InlineData(31, 65, 1100)]
    [InlineData(150, 70, 2100)]
    [InlineData(257, 300, 40)]
    public void Equals_its_definition(int m, int n, int k)
    {
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var device = new CpuDevice(threads);
            for (int form = 0; form < 8; form++)
            {
                Check(device, new Shape(m, n, k, (form & 1) != 0, (form & 2) != 0, (form & 4) != 0, form));
            }
        }
    }

    [Fact]
    public void Equals_its_definition_for_random_shapes()
    {
        using var one = new CpuDevice(1);
        using var three = new CpuDevice(3);
        Gen<int> size = Gen.OneOf(Gen.Choose(0, 40), Gen.Choose(1, 140));
        Gen<bool> flag = Gen.Elements(true, false);
        Gen<Shape> shapes =
            from m in size
            from n in size
            from k in Gen.OneOf(size, Gen.Choose(1000, 1300))
            from a in flag
            from b in flag
            from add in flag
            from gap in Gen.Choose(0, 9)
            select new Shape(m, n, k, a, b, add, gap);
        Prop.ForAll(shapes.ToArbitrary(), shape =>
        {
            Check(one, shape);
            Check(three, shape);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Large_products_are_the_same_on_any_number_of_threads(int threads)
    {
        using var device = new CpuDevice(threads);
        Check(device, new Shape(300, 260, 1100, false, false, true, 0));
    }

    [Fact]
    public void The_bits_of_a_row_do_not_depend_on_the_number_of_rows()
    {
        using var device = new CpuDevice();
        var random = new Random(5);
        using var a = new GuardedMatrix(device, random, 50, 1100);
        using var b = new GuardedMatrix(device, random, 1100, 90);
        using var whole = new GuardedMatrix(device, random, 50, 90);
        device.MatMul(a.Matrix, b.Matrix, whole.Matrix);
        for (int rows = 1; rows < 50; rows += 3)
        {
            using var part = new GuardedMatrix(device, random, rows, 90);
            int first = 50 - rows;
            device.MatMul(a.Matrix.SliceRows(first, rows), b.Matrix, part.Matrix);
            var expected = new float[rows, 90];
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < 90; j++)
                {
                    expected[i, j] = Reference.Element(whole.Matrix, first + i, j);
                }
            }

            part.AssertIs(expected, $"{rows} rows");
        }
    }

    [Theory]
    [InlineData(Accumulation.Store, 1)]
    [InlineData(Accumulation.Add, 1)]
    [InlineData(Accumulation.Store, 3)]
    [InlineData(Accumulation.Add, 3)]
    public void A_group_is_its_products(Accumulation accumulation, int threads)
    {
        using var device = new CpuDevice(threads);
        var random = new Random(7);
        var matrices = new List<GuardedMatrix>();
        var products = new List<MatrixProduct>();
        var expected = new List<float[,]>();
        for (int p = 0; p < 40; p++)
        {
            int m = random.Next(0, 70), n = random.Next(0, 70), k = p == 20 ? 1300 : random.Next(0, 70);
            var a = new GuardedMatrix(device, random, m, k, p % 3, p % 2 == 0);
            var b = new GuardedMatrix(device, random, k, n, p % 4, p % 3 == 0);
            var c = new GuardedMatrix(device, random, m, n, p % 5);
            matrices.AddRange([a, b, c]);
            products.Add(new MatrixProduct(a.Matrix, b.Matrix, c.Matrix));
            expected.Add(Reference.Product(a.Matrix, b.Matrix, c.Matrix, accumulation == Accumulation.Add));
        }

        device.GroupedMatMul(products.ToArray(), accumulation);
        for (int p = 0; p < expected.Count; p++)
        {
            matrices[3 * p + 2].AssertIs(expected[p], $"product {p}");
        }

        matrices.ForEach(matrix => matrix.Dispose());
        device.GroupedMatMul([]);
    }

    [Fact]
    public void Infinities_and_NaN_stay_where_they_belong()
    {
        using var device = new CpuDevice();
        var random = new Random(9);
        using var a = new GuardedMatrix(device, random, 13, 20);
        using var b = new GuardedMatrix(device, random, 20, 35);
        using var c = new GuardedMatrix(device, random, 13, 35);
        a.Matrix.Data.AsSpan()[7 * 20 + 3] = float.NaN;
        b.Matrix.Data.AsSpan()[2 * 35 + 34] = float.PositiveInfinity;
        device.MatMul(a.Matrix, b.Matrix, c.Matrix);
        for (int i = 0; i < 13; i++)
        {
            for (int j = 0; j < 35; j++)
            {
                Assert.Equal(i == 7, float.IsNaN(Reference.Element(c.Matrix, i, j)));
                Assert.Equal(i != 7 && j == 34, float.IsInfinity(Reference.Element(c.Matrix, i, j)));
            }
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        using var device = new CpuDevice();
        var random = new Random(1);
        using var a = new GuardedMatrix(device, random, 3, 4);
        using var b = new GuardedMatrix(device, random, 5, 6);
        using var c = new GuardedMatrix(device, random, 3, 6);
        using var square = new GuardedMatrix(device, random, 4, 4);
        Assert.Throws<ArgumentException>(() => device.MatMul(a.Matrix, b.Matrix, c.Matrix));
        Assert.Throws<ArgumentException>(() => device.MatMul(square.Matrix, square.Matrix, square.Matrix.T));
        Assert.Throws<ArgumentException>(() => device.GroupedMatMul([new(a.Matrix, b.Matrix, c.Matrix)]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_warm_device_allocates_nothing(int threads)
    {
        using var device = new CpuDevice(threads);
        var random = new Random(1);
        using var a = new GuardedMatrix(device, random, 130, 200);
        using var b = new GuardedMatrix(device, random, 200, 150);
        using var c = new GuardedMatrix(device, random, 130, 150);
        MatrixProduct[] products = [new(a.Matrix, b.Matrix, c.Matrix), new(a.Matrix, b.Matrix, c.Matrix)];
        for (int i = 0; i < 3; i++)
        {
            device.GroupedMatMul(products.AsSpan(0, 1));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        device.GroupedMatMul(products.AsSpan(0, 1));
        device.MatMul(a.Matrix, b.Matrix, c.Matrix, Accumulation.Add);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void Check(CpuDevice device, Shape shape)
    {
        var random = new Random(3);
        using var a = new GuardedMatrix(device, random, shape.M, shape.K, shape.Gap, shape.TransposedA);
        using var b = new GuardedMatrix(device, random, shape.K, shape.N, shape.Gap, shape.TransposedB);
        using var c = new GuardedMatrix(device, random, shape.M, shape.N, shape.Gap);
        float[,] expected = Reference.Product(a.Matrix, b.Matrix, c.Matrix, shape.Add);
        device.MatMul(a.Matrix, b.Matrix, c.Matrix, shape.Add ? Accumulation.Add : Accumulation.Store);
        c.AssertIs(expected, $"{shape}, {device.Description}");
    }

    private sealed record Shape(int M, int N, int K, bool TransposedA, bool TransposedB, bool Add, int Gap);
}
