using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Kernels;

public class RandomOperationTests
{
    private const ulong Key = 77;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Normal_noise_is_a_function_of_key_row_and_column(int threads)
    {
        const int Rows = 300, Columns = 41;
        using var memory = new KernelMemory(threads);
        Matrix x = memory.Matrix(new float[Rows, Columns], gap: 1), fewer = memory.Matrix(new float[3, 7]);
        memory.Device.AddNormal(x, Key, 2f);
        memory.Device.AddNormal(fewer, Key, 2f);

        float[,] found = KernelMemory.Read(x);
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                (double even, double odd) = CounterRandom.NormalPair(CounterRandom.Next(Key, (ulong)row), (ulong)(column & ~1));
                Assert.Equal(2f * (float)(column % 2 == 0 ? even : odd), found[row, column]);
                Assert.True(row >= 3 || column >= 7 || KernelMemory.Read(fewer)[row, column] == found[row, column]);
            }
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Normal_noise_has_mean_0_and_the_deviation_asked_for()
    {
        using var memory = new KernelMemory();
        Matrix x = memory.Matrix(new float[1000, 64]);
        memory.Device.AddNormal(x, Key, 0.5f);
        double[] values = Values.Doubles(x.Data.AsSpan());
        Assert.Equal(0, values.Average(), 0.01);
        Assert.Equal(0.5, Math.Sqrt(values.Average(v => v * v)), 0.01);
        Assert.Equal(0, values.Zip(values.Skip(1), (a, b) => a * b).Average(), 0.01);
        Assert.Equal(0, values.Zip(values.Skip(64), (a, b) => a * b).Average(), 0.01);
    }

    [Fact]
    public void Uniform_factors_stay_within_the_spread_and_repeat()
    {
        const int Rows = 50, Columns = 33;
        using var memory = new KernelMemory(threads: 2);
        float[,] ones = new float[Rows, Columns];
        for (int i = 0; i < ones.Length; i++)
        {
            ones[i / Columns, i % Columns] = 1;
        }

        Matrix x = memory.Matrix(ones), y = memory.Matrix(new float[Rows, Columns], gap: 3);
        memory.Device.MultiplyUniform(x, Key, 0.1f, y, Accumulation.Store);
        float[,] once = KernelMemory.Read(y);
        memory.Device.MultiplyUniform(x, Key, 0.1f, y, Accumulation.Add);
        float[,] twice = KernelMemory.Read(y);
        double sum = 0;
        for (int i = 0; i < ones.Length; i++)
        {
            float factor = once[i / Columns, i % Columns];
            Assert.InRange(factor, 0.9f, 1.1f);
            Assert.Equal(2 * factor, twice[i / Columns, i % Columns]);
            sum += factor;
        }

        Assert.Equal(1, sum / ones.Length, 0.01);
        memory.Device.MultiplyUniform(x, Key, 0.1f, x, Accumulation.Store);
        Values.AssertSameBits(once, KernelMemory.Read(x), "In place");
        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Scale_multiplies_every_element()
    {
        using var memory = new KernelMemory();
        DeviceSpan<float> x = memory.Span([.. Enumerable.Range(0, 37).Select(i => (float)i)]);
        memory.Device.Scale(x, 0.5f);
        Assert.Equal([.. Enumerable.Range(0, 37).Select(i => 0.5f * i)], x.AsSpan().ToArray());
    }
}
