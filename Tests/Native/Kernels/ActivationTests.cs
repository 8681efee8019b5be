using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class ActivationTests
{
    private readonly Random _random = new(2);

    [Fact]
    public void Gelu_and_its_slope_are_accurate_everywhere()
    {
        const int Columns = 30011;
        var x = new float[1, Columns];
        var ones = new float[1, Columns];
        for (int i = 0; i < Columns; i++)
        {
            x[0, i] = -12f + 24f * i / Columns;
            ones[0, i] = 1f;
        }

        using var memory = new KernelMemory();
        Matrix input = memory.Matrix(x), y = memory.Matrix(ones), slope = memory.Matrix(ones);
        memory.Device.Gelu(input, default, y);
        memory.Device.GeluGradient(input, slope, slope);

        for (int i = 0; i < Columns; i++)
        {
            double gelu = Exact.Gelu(x[0, i]);
            Assert.True(Math.Abs(y.Data.AsSpan()[i] - gelu) <= 6e-7 * Math.Abs(gelu), $"gelu({x[0, i]:R}) is {y.Data.AsSpan()[i]:R}.");
            Assert.True(
                Math.Abs(slope.Data.AsSpan()[i] - Exact.GeluSlope(x[0, i])) <= 4e-7, $"gelu'({x[0, i]:R}) is {slope.Data.AsSpan()[i]:R}.");
        }
    }

    [Fact]
    public void The_slopes_are_the_derivatives()
    {
        for (double x = -5; x < 5; x += 0.37)
        {
            Assert.Equal(Exact.Gradient(v => Exact.Gelu(v[0]), [x])[0], Exact.GeluSlope(x), 1e-9);
        }
    }

    [Fact]
    public void Gelu_adds_the_bias_to_what_backward_will_read()
    {
        const int Rows = 5, Columns = 37;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Rows, Columns);
        float[] bias = Values.Vector(_random, Columns);
        Matrix input = memory.Matrix(x, gap: 2), y = memory.Matrix(new float[Rows, Columns], shift: 3);

        memory.Device.Gelu(input, memory.Span(bias), y);

        float[,] kept = KernelMemory.Read(input), output = KernelMemory.Read(y);
        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < Columns; j++)
            {
                Assert.Equal(x[i, j] + bias[j], kept[i, j]);
                Assert.Equal(Exact.Gelu(kept[i, j]), output[i, j], 1e-6);
            }
        }

        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    public void Relu_and_its_gradient(int columns)
    {
        const int Rows = 4;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Rows, columns), dy = Values.Matrix(_random, Rows, columns);
        Matrix input = memory.Matrix(x, gap: 2), output = memory.Matrix(new float[Rows, columns], shift: 3), gradient = memory.Matrix(dy, gap: 1);

        memory.Device.Relu(input, output);
        memory.Device.ReluGradient(output, gradient, gradient);
        memory.Device.Relu(input, input);

        float[,] y = KernelMemory.Read(output), dx = KernelMemory.Read(gradient);
        Values.AssertSameBits(y, KernelMemory.Read(input), "in place");
        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                Assert.Equal(Math.Max(0, x[i, j]), y[i, j]);
                Assert.Equal(dy[i, j] * Exact.Gradient(v => Math.Max(0, v[0]), [x[i, j]])[0], dx[i, j], 1e-6);
            }
        }

        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    public void Swiglu_and_its_gradients(int columns)
    {
        const int Rows = 4;
        using var memory = new KernelMemory();
        float[,] g = Values.Matrix(_random, Rows, columns, 3), u = Values.Matrix(_random, Rows, columns), dy = Values.Matrix(_random, Rows, columns);
        Matrix gate = memory.Matrix(g), up = memory.Matrix(u, gap: 1), output = memory.Matrix(new float[Rows, columns]), gradient = memory.Matrix(dy);

        memory.Device.SwiGlu(gate, up, output);
        memory.Device.SwiGluGradient(gate, up, gradient, gate, up);

        float[,] y = KernelMemory.Read(output), dg = KernelMemory.Read(gate), du = KernelMemory.Read(up);
        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double exactUp = u[i, j];
                Assert.Equal(Exact.Silu(g[i, j]) * exactUp, y[i, j], 2e-6);
                Assert.Equal(dy[i, j] * exactUp * Exact.Gradient(v => Exact.Silu(v[0]), [g[i, j]])[0], dg[i, j], 2e-6);
                Assert.Equal(dy[i, j] * Exact.Silu(g[i, j]), du[i, j], 2e-6);
            }
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Swiglu_gradients_in_place_and_beside_are_the_same()
    {
        const int Rows = 3, Columns = 29;
        using var memory = new KernelMemory();
        float[,] g = Values.Matrix(_random, Rows, Columns), u = Values.Matrix(_random, Rows, Columns), zero = new float[Rows, Columns];
        Matrix dy = memory.Matrix(Values.Matrix(_random, Rows, Columns));
        Matrix gate = memory.Matrix(g), up = memory.Matrix(u), dGate = memory.Matrix(zero), dUp = memory.Matrix(zero);

        memory.Device.SwiGluGradient(gate, up, dy, dGate, dUp);
        memory.Device.SwiGluGradient(gate, up, dy, gate, up);

        Values.AssertSameBits(KernelMemory.Read(dGate), KernelMemory.Read(gate), "dGate");
        Values.AssertSameBits(KernelMemory.Read(dUp), KernelMemory.Read(up), "dUp");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Activations_do_not_hide_a_value_that_is_no_number(float value)
    {
        using var memory = new KernelMemory();
        float[,] x = { { 1f, value, 1f } }, ones = { { 1f, 1f, 1f } };
        Matrix gelu = memory.Matrix(ones), swiglu = memory.Matrix(ones), relu = memory.Matrix(ones);

        memory.Device.Gelu(memory.Matrix(x), default, gelu);
        memory.Device.SwiGlu(memory.Matrix(x), memory.Matrix(ones), swiglu);
        memory.Device.Relu(memory.Matrix(x), relu);

        Assert.Equal(value, relu.Data.AsSpan()[1]);
        Assert.Equal(value, gelu.Data.AsSpan()[1]);
        Assert.Equal(value, swiglu.Data.AsSpan()[1]);
    }
}
