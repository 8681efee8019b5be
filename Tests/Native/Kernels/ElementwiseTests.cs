using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class ElementwiseTests
{
    private readonly Random _random = new(6);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 33)]
    [InlineData(3, 100003)]
    public void Add(int threads, int length)
    {
        using var memory = new KernelMemory(threads);
        float[] x = Values.Vector(_random, length), y = Values.Vector(_random, length);
        DeviceSpan<float> sum = memory.Span(y);

        memory.Device.Add(memory.Span(x), sum);

        Assert.Equal(x.Zip(y, (a, b) => a + b), sum.AsSpan().ToArray());
        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 357)]
    public void Multiply(int threads, int columns)
    {
        const int Rows = 300;
        using var memory = new KernelMemory(threads);
        float[,] a = Values.Matrix(_random, Rows, columns), b = Values.Matrix(_random, Rows, columns);
        Matrix first = memory.Matrix(a, gap: 1), second = memory.Matrix(b, shift: 2), product = memory.Matrix(new float[Rows, columns], gap: 3);

        memory.Device.Multiply(first, second, product);
        memory.Device.Multiply(first, first, first);

        float[,] found = KernelMemory.Read(product), squares = KernelMemory.Read(first);
        for (int i = 0; i < Rows; i++)
        {
            Assert.Equal(Values.Row(a, i).Zip(Values.Row(b, i), (u, v) => u * v), Values.Row(found, i));
            Assert.Equal(Values.Row(a, i).Select(u => u * u), Values.Row(squares, i));
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Add_bias()
    {
        using var memory = new KernelMemory();
        float[,] y = Values.Matrix(_random, 4, 21);
        float[] bias = Values.Vector(_random, 21);
        Matrix sum = memory.Matrix(y, gap: 1, shift: 1);

        memory.Device.AddBias(sum, memory.Span(bias));

        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(Values.Row(y, i).Zip(bias, (a, b) => a + b), Values.Row(KernelMemory.Read(sum), i));
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Mix_rows_and_its_gradients()
    {
        const int Rows = 3, Columns = 35;
        using var memory = new KernelMemory();
        float[,] a = Values.Matrix(_random, Rows, Columns), b = Values.Matrix(_random, Rows, Columns), dy = Values.Matrix(_random, Rows, Columns);
        float[,] c = Values.Matrix(_random, Rows, 2);
        Matrix first = memory.Matrix(a), second = memory.Matrix(b, gap: 1), mixed = memory.Matrix(new float[Rows, Columns]);
        Matrix coefficients = memory.Matrix(c), gradient = memory.Matrix(new float[Rows, 2]);

        memory.Device.MixRows(first, second, coefficients, mixed);
        memory.Device.MixRowsGradient(first, second, coefficients, memory.Matrix(dy), first, second, gradient);

        for (int i = 0; i < Rows; i++)
        {
            double[] exactA = Values.Doubles(a, i), exactB = Values.Doubles(b, i), exactDy = Values.Doubles(dy, i);
            double c0 = c[i, 0], c1 = c[i, 1];
            Values.AssertClose([.. exactA.Zip(exactB, (u, v) => c0 * u + c1 * v)], Values.Row(KernelMemory.Read(mixed), i), 1e-6, "y");
            Values.AssertClose([.. exactDy.Select(v => c0 * v)], Values.Row(KernelMemory.Read(first), i), 1e-6, "da");
            Values.AssertClose([.. exactDy.Select(v => c1 * v)], Values.Row(KernelMemory.Read(second), i), 1e-6, "db");
            Values.AssertClose([Exact.Dot(exactDy, exactA), Exact.Dot(exactDy, exactB)], Values.Row(KernelMemory.Read(gradient), i), 2e-6, "dc");
        }

        memory.AssertSurroundingsUntouched();
    }
}
