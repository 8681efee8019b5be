using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class NormTests
{
    private const float Epsilon = 1e-5f;

    private readonly Random _random = new(1);

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(77)]
    [InlineData(384)]
    public void Rms_norm_and_its_input_gradient(int columns)
    {
        const int Rows = 3;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Rows, columns, 2), dy = Values.Matrix(_random, Rows, columns);
        float[] weight = Values.Vector(_random, columns);
        Matrix input = memory.Matrix(x), output = memory.Matrix(new float[Rows, columns]), gradient = memory.Matrix(dy);
        DeviceSpan<float> w = memory.Span(weight), inverse = memory.Span(new float[Rows]);

        memory.Device.RmsNorm(input, w, Epsilon, output, inverse);
        float[,] y = KernelMemory.Read(output);
        memory.Device.RmsNormInputGradient(input, w, inverse, gradient, output, Accumulation.Store);
        float[,] dx = KernelMemory.Read(output);
        memory.Device.RmsNormInputGradient(input, w, inverse, gradient, gradient, Accumulation.Store);
        memory.Device.RmsNormInputGradient(input, w, inverse, memory.Matrix(dy), output, Accumulation.Add);

        Values.AssertSameBits(dx, KernelMemory.Read(gradient), "In place");
        for (int i = 0; i < Rows; i++)
        {
            double[] exactX = Values.Doubles(x, i), exactDy = Values.Doubles(dy, i), exactWeight = Values.Doubles(weight);
            Values.AssertClose(Exact.RmsNorm(exactX, exactWeight, Epsilon), Values.Row(y, i), 1e-6, "Output");
            double[] expected = Exact.Gradient(v => Exact.Dot(Exact.RmsNorm(v, exactWeight, Epsilon), exactDy), exactX);
            Values.AssertClose(expected, Values.Row(dx, i), 3e-6, "Gradient");
            Values.AssertClose([.. expected.Select(v => 2 * v)], Values.Row(KernelMemory.Read(output), i), 6e-6, "Added gradient");
        }

        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(1, 5, 1)]
    [InlineData(3, 300, 65)]
    [InlineData(2, 700, 1100)]
    [InlineData(3, 0, 33)]
    public void The_weight_gradient_is_summed_in_row_order_and_added_once(int threads, int rows, int columns)
    {
        using var memory = new KernelMemory(threads);
        float[,] x = Values.Matrix(_random, rows, columns), dy = Values.Matrix(_random, rows, columns);
        float[] r = Values.Vector(_random, rows), before = Values.Vector(_random, columns);
        DeviceSpan<float> sums = memory.Span(before);

        memory.Device.RmsNormWeightGradient(memory.Matrix(x, gap: 3), memory.Span(r), memory.Matrix(dy, shift: 5), sums);

        for (int j = 0; j < columns; j++)
        {
            float sum = 0;
            for (int i = 0; i < rows; i++)
            {
                sum = MathF.FusedMultiplyAdd(dy[i, j], x[i, j] * r[i], sum);
            }

            Assert.Equal(before[j] + sum, sums.AsSpan()[j]);
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void The_weight_gradient_is_that_of_the_norm()
    {
        const int Columns = 21;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, 1, Columns), dy = Values.Matrix(_random, 1, Columns);
        float[] weight = Values.Vector(_random, Columns);
        Matrix input = memory.Matrix(x);
        DeviceSpan<float> inverse = memory.Span(new float[1]), gradient = memory.Span(new float[Columns]);

        memory.Device.RmsNorm(input, memory.Span(weight), Epsilon, memory.Matrix(new float[1, Columns]), inverse);
        memory.Device.RmsNormWeightGradient(input, inverse, memory.Matrix(dy), gradient);

        double[] expected = Exact.Gradient(
            w => Exact.Dot(Exact.RmsNorm(Values.Doubles(x, 0), w, Epsilon), Values.Doubles(dy, 0)), Values.Doubles(weight));
        Values.AssertClose(expected, gradient.AsSpan(), 2e-6, "Gradient");
    }
}
