using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Kernels;

public class OptimizerTests
{
    private readonly Random _random = new(8);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 77)]
    [InlineData(3, 70001)]
    public void AdamW_follows_the_paper(int threads, int length)
    {
        using var memory = new KernelMemory(threads);
        float[] p = Values.Vector(_random, length), g = new float[length];
        double[] exactP = Values.Doubles(p), m = new double[length], v = new double[length];
        DeviceSpan<float> parameter = memory.Span(p), first = memory.Span(new float[length]), second = memory.Span(new float[length]);

        for (int step = 1; step <= 4; step++)
        {
            g = Values.Vector(_random, length);
            var update = new AdamWUpdate(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.5f, step);
            memory.Device.AdamW(update, parameter, memory.Span(g), first, second);
            for (int i = 0; i < length; i++)
            {
                double gradient = g[i] * 0.5;
                m[i] = 0.9 * m[i] + 0.1 * gradient;
                v[i] = 0.95 * v[i] + 0.05 * gradient * gradient;
                double direction = m[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
                exactP[i] -= 0.01 * (direction + 0.1 * exactP[i]);
            }
        }

        Values.AssertClose(exactP, parameter.AsSpan(), 1e-6, "Parameters");
        Values.AssertClose(m, first.AsSpan(), 1e-6, "First moments");
        Values.AssertClose(v, second.AsSpan(), 1e-6, "Second moments");
        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void AdamW_gives_the_same_bits_however_a_tensor_is_cut()
    {
        const int Length = 100, Cut = 37;
        var update = new AdamWUpdate(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.7f, 3);
        using var memory = new KernelMemory();
        float[] p = Values.Vector(_random, Length), g = Values.Vector(_random, Length), m = Values.Vector(_random, Length);
        float[] v = [.. Values.Vector(_random, Length).Select(Math.Abs)];
        DeviceSpan<float>[] whole = [memory.Span(p), memory.Span(g), memory.Span(m), memory.Span(v)];
        DeviceSpan<float>[] parts = [memory.Span(p), memory.Span(g), memory.Span(m), memory.Span(v)];

        memory.Device.AdamW(update, whole[0], whole[1], whole[2], whole[3]);
        memory.Device.AdamW(update, parts[0].Slice(0, Cut), parts[1].Slice(0, Cut), parts[2].Slice(0, Cut), parts[3].Slice(0, Cut));
        memory.Device.AdamW(update, parts[0].Slice(Cut), parts[1].Slice(Cut), parts[2].Slice(Cut), parts[3].Slice(Cut));

        for (int i = 0; i < whole.Length; i++)
        {
            Assert.Equal(whole[i].AsSpan().ToArray(), parts[i].AsSpan().ToArray());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(100001)]
    public void Sum_of_squares(int length)
    {
        float[] x = Values.Vector(_random, length, 10);
        var found = new List<double>();
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var memory = new KernelMemory(threads);
            found.Add(memory.SumOfSquares(memory.Span(x)));
        }

        double expected = x.Sum(v => (double)v * v);
        Assert.Equal(expected, found[0], 1e-13 * expected);
        Assert.Single(found.Distinct());
    }

    [Fact]
    public void Sum_of_squares_starts_anew_every_4096_elements()
    {
        float[] x = Values.Vector(_random, 3 * 4096 + 5);
        using var memory = new KernelMemory();
        DeviceSpan<float> all = memory.Span(x);

        double chunks = 0;
        for (int start = 0; start < x.Length; start += 4096)
        {
            chunks += memory.SumOfSquares(all.Slice(start, Math.Min(4096, x.Length - start)));
        }

        Assert.Equal(chunks, memory.SumOfSquares(all));
    }

    [Theory]
    [InlineData(float.NaN, double.NaN)]
    [InlineData(float.NegativeInfinity, double.PositiveInfinity)]
    [InlineData(3e38f, 9e76)]
    public void Sum_of_squares_hides_nothing(float value, double expected)
    {
        using var memory = new KernelMemory();
        double found = memory.SumOfSquares(memory.Span([0f, 1f, value]));
        Assert.True(expected.Equals(found) || Math.Abs(found - expected) < 1e-6 * expected, $"{found}");
    }
}
