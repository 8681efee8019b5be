using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class GateOperationTests
{
    private readonly Random _random = new(31);

    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(200)]
    public void Normalized_rows_and_their_gradient(int columns)
    {
        const float Epsilon = 1e-12f;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, 3, columns), dy = Values.Matrix(_random, 3, columns), before = Values.Matrix(_random, 3, columns);
        Matrix y = memory.Matrix(new float[3, columns], gap: 1), stored = memory.Matrix(new float[3, columns]), added = memory.Matrix(before);
        DeviceSpan<float> r = memory.Span(new float[3]);

        memory.Device.NormalizeRows(memory.Matrix(x, gap: 2), Epsilon, y, r);
        memory.Device.NormalizeRowsGradient(y, r, Epsilon, memory.Matrix(dy), stored, Accumulation.Store);
        memory.Device.NormalizeRowsGradient(y, r, Epsilon, memory.Matrix(dy), added, Accumulation.Add);

        for (int i = 0; i < 3; i++)
        {
            double[] row = Values.Doubles(x, i), exactDy = Values.Doubles(dy, i);
            double[] Normed(double[] v) => [.. v.Select(u => u / Math.Sqrt(Exact.Dot(v, v)))];
            double[] slope = Exact.Gradient(v => Exact.Dot(Normed(v), exactDy), row, 1e-6 * Math.Sqrt(Exact.Dot(row, row)));
            Values.AssertClose(Normed(row), Values.Row(KernelMemory.Read(y), i), 3e-7, "Rows");
            Values.AssertClose(slope, Values.Row(KernelMemory.Read(stored), i), 2e-5, "Gradient");
            Values.AssertClose([.. slope.Select((v, j) => v + before[i, j])], Values.Row(KernelMemory.Read(added), i), 2e-5, "Added");
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void A_row_of_zeros_stays_and_its_gradient_is_finite()
    {
        using var memory = new KernelMemory();
        Matrix x = memory.Matrix(new float[1, 5]), dx = memory.Matrix(new float[1, 5]);
        DeviceSpan<float> r = memory.Span(new float[1]);
        memory.Device.NormalizeRows(x, 0.5f, x, r);
        memory.Device.NormalizeRowsGradient(x, r, 0.5f, memory.Matrix(new float[,] { { 1, 2, 3, 4, 5 } }), dx, Accumulation.Store);
        Assert.Equal(new float[5], Values.Row(KernelMemory.Read(x), 0));
        Assert.Equal([2f, 4f, 6f, 8f, 10f], Values.Row(KernelMemory.Read(dx), 0));
    }

    [Fact]
    public void Columns_of_rows_invert_rows_of_columns()
    {
        using var memory = new KernelMemory();
        DeviceSpan<int> rows = memory.Integers(1, 4, 0, 4, 4, -1), choices = memory.Integers(new int[15]);

        memory.Device.ColumnsOfRows(rows, 2, 3, choices);
        Assert.Equal([1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2], choices.AsSpan().ToArray());

        memory.Device.ColumnsOfRows(default, 0, 1, choices.Slice(0, 2));
        Assert.Equal([-1, -1], choices.Slice(0, 2).AsSpan().ToArray());
        Assert.Throws<ArgumentException>(() => memory.Device.ColumnsOfRows(rows, 2, 3, choices.Slice(0, 12)));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Device.ColumnsOfRows(rows, 2, 1, choices.Slice(0, 5)));
    }

    [Fact]
    public void Groups_are_kept_by_the_sum_of_their_two_best()
    {
        using var memory = new KernelMemory();
        const float Out = float.NegativeInfinity;

        // Group sums 9 + 0, 5 + 5, 4 + 6 (a tie with the second) and, with the bias, 1 + 7.
        Matrix scores = memory.Matrix(new float[,] { { 9, 0, -3, 5, 5, 1, 4, 3, 6, 1, 0, -1 } }, gap: 1);
        DeviceSpan<float> bias = memory.Span([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]);
        Matrix masked = memory.Matrix(new float[1, 12]);

        memory.Device.MaskGroups(scores, bias, 4, 1, masked);
        Assert.Equal([Out, Out, Out, 5, 5, 1, Out, Out, Out, Out, Out, Out], Values.Row(KernelMemory.Read(masked), 0));
        memory.Device.MaskGroups(scores, bias, 4, 3, masked);
        Assert.Equal([9, 0, -3, 5, 5, 1, 4, 3, 6, Out, Out, Out], Values.Row(KernelMemory.Read(masked), 0));
        memory.Device.MaskGroups(scores, bias, 4, 4, masked);
        Assert.Equal([9, 0, -3, 5, 5, 1, 4, 3, 6, 1, 0, 7], Values.Row(KernelMemory.Read(masked), 0));
        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Groups_of_one_and_not_a_number()
    {
        using var memory = new KernelMemory();
        Matrix masked = memory.Matrix(new float[1, 4]);
        memory.Device.MaskGroups(memory.Matrix(new[,] { { float.NaN, 1, float.PositiveInfinity, 2 } }), default, 4, 2, masked);
        Assert.Equal([float.NegativeInfinity, float.NegativeInfinity, float.PositiveInfinity, 2], Values.Row(KernelMemory.Read(masked), 0));
        memory.Device.MaskGroups(memory.Matrix(new[,] { { float.NaN, float.NaN, float.NaN, float.NaN } }), default, 2, 2, masked);
        Assert.All(Values.Row(KernelMemory.Read(masked), 0), value => Assert.Equal(float.NegativeInfinity, value));
    }

    [Theory]
    [InlineData(1, 0, 5, 1)]
    [InlineData(40, 0, 3, 1)]
    [InlineData(40, 7, 3, 2)]
    [InlineData(1000, 130, 70, 3)]
    [InlineData(50, 60, 4, 1)]
    public void The_best_rows_of_each_column(int rows, int count, int columns, int threads)
    {
        using var memory = new KernelMemory(threads);
        var s = new float[rows, columns];
        for (int i = 0; i < s.Length; i++)
        {
            // Few values, so that there are ties; both zeros and a NaN among them.
            int value = _random.Next(-4, 5);
            s[i / columns, i % columns] = value == -4 ? float.NaN : value == 0 && _random.Next(2) == 0 ? -0f : value;
        }

        int[] valid = [.. Enumerable.Range(0, rows).Select(row => row % 5 == 2 ? 0 : 1)];
        DeviceSpan<int> found = memory.Integers(new int[columns * count]);
        memory.Device.TopRows(memory.Matrix(s, gap: 1), memory.Integers(valid), count, found);
        for (int column = 0; column < columns; column++)
        {
            int[] best =
            [
                .. Enumerable.Range(0, rows).Where(row => valid[row] != 0)
                    .OrderByDescending(row => float.IsNaN(s[row, column]) ? double.NegativeInfinity : s[row, column] + 0.0)
                    .ThenBy(row => row).Take(count).Order(),
            ];
            int[] expected = [.. best, .. Enumerable.Repeat(-1, count - best.Length)];
            Assert.Equal(expected, found.AsSpan().Slice(column * count, count).ToArray());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_smooth_load_and_its_gradient(int threads)
    {
        const int Rows = 9, Columns = 21, K = 2;
        const float Deviation = 0.4f;
        using var memory = new KernelMemory(threads);
        float[,] a = Values.Matrix(_random, Rows, Columns), noise = Values.Matrix(_random, Rows, Columns, Deviation), noisy = new float[Rows, Columns];
        for (int i = 0; i < a.Length; i++)
        {
            noisy[i / Columns, i % Columns] = a[i / Columns, i % Columns] + noise[i / Columns, i % Columns];
        }

        float[] before = Values.Vector(_random, Columns), g = Values.Vector(_random, Columns);
        float[,] dBefore = Values.Matrix(_random, Rows, Columns);
        Matrix logits = memory.Matrix(a, gap: 1), noisyLogits = memory.Matrix(noisy), dLogits = memory.Matrix(dBefore, gap: 2);
        DeviceSpan<float> load = memory.Span(before);
        DeviceSpan<int> choices = memory.Integers(new int[Rows * K]);
        memory.Device.TopK(noisyLogits, default, memory.Integers([.. Enumerable.Range(0, Rows).Select(row => row == 4 ? 0 : 1)]), K, choices);

        memory.Device.AddSmoothLoad(logits, noisyLogits, choices, K, Deviation, load);
        memory.Device.AddSmoothLoadGradient(logits, noisyLogits, choices, K, Deviation, memory.Span(g), dLogits);

        double[] expected = Values.Doubles(before);
        for (int i = 0; i < Rows; i++)
        {
            int last = choices.AsSpan()[i * K + 1];
            double[] Load(double[] v) =>
                [.. v.Select(u => last < 0 ? 0 : Exact.NormalCumulative((u - v[last] - (noisy[i, last] - a[i, last])) / Deviation))];
            double[] row = Values.Doubles(a, i);
            expected = [.. expected.Zip(Load(row), (u, v) => u + v)];
            double[] slope = Exact.Gradient(v => Exact.Dot(Load(v), Values.Doubles(g)), row);
            Values.AssertClose([.. slope.Select((v, e) => v + dBefore[i, e])], Values.Row(KernelMemory.Read(dLogits), i), 5e-6, "Gradient");
        }

        Values.AssertClose(expected, load.AsSpan(), 3e-6, "Load");
        memory.AssertSurroundingsUntouched();
    }
}
