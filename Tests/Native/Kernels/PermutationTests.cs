using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class PermutationTests
{
    private const int Tokens = 4, K = 3, Columns = 37;

    /// <summary>Every slot belongs to one choice; two choices were dropped, and the third token lost all of its own.</summary>
    private static readonly int[] Slots = [5, 0, 3, 1, -1, 4, -1, -1, -1, 2, 7, 6];

    private readonly Random _random = new(10);

    [Fact]
    public void Combine_adds_in_choice_order()
    {
        using var memory = new KernelMemory();
        float[,] rows = Values.Matrix(_random, 8, Columns), before = Values.Matrix(_random, Tokens, Columns);
        float[] weights = Values.Vector(_random, Slots.Length);
        Matrix source = memory.Matrix(rows, gap: 1), stored = memory.Matrix(before, gap: 2), added = memory.Matrix(before), plain = memory.Matrix(before);
        DeviceSpan<int> slots = memory.Integers(Slots);

        memory.Device.CombineRows(source, slots, K, memory.Span(weights), stored, Accumulation.Store);
        memory.Device.CombineRows(source, slots, K, memory.Span(weights), added, Accumulation.Add);
        memory.Device.CombineRows(source, slots, K, default, plain, Accumulation.Store);

        float[,] expected = new float[Tokens, Columns], expectedSum = new float[Tokens, Columns], expectedPlain = new float[Tokens, Columns];
        for (int i = 0; i < Tokens * Columns; i++)
        {
            (int t, int j) = (i / Columns, i % Columns);
            float sum = 0, unweighted = 0;
            for (int choice = t * K; choice < (t + 1) * K; choice++)
            {
                if (Slots[choice] >= 0)
                {
                    sum = MathF.FusedMultiplyAdd(weights[choice], rows[Slots[choice], j], sum);
                    unweighted += rows[Slots[choice], j];
                }
            }

            (expected[t, j], expectedSum[t, j], expectedPlain[t, j]) = (sum, before[t, j] + sum, unweighted);
        }

        Values.AssertSameBits(expected, KernelMemory.Read(stored), "Stored");
        Values.AssertSameBits(expectedSum, KernelMemory.Read(added), "Added");
        Values.AssertSameBits(expectedPlain, KernelMemory.Read(plain), "Without weights");
        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_gradient_of_combine(bool inPlace)
    {
        using var memory = new KernelMemory();
        float[,] rows = Values.Matrix(_random, 8, Columns), dy = Values.Matrix(_random, Tokens, Columns);
        float[] weights = Values.Vector(_random, Slots.Length);
        Matrix source = memory.Matrix(rows), gradient = inPlace ? source : memory.Matrix(new float[8, Columns], gap: 3);
        DeviceSpan<float> dWeights = memory.Span(new float[Slots.Length]);

        memory.Device.CombineRowsGradient(
            memory.Matrix(dy, gap: 1), source, memory.Integers(Slots), K, memory.Span(weights), gradient, dWeights);

        float[,] dRows = KernelMemory.Read(gradient);
        for (int choice = 0; choice < Slots.Length; choice++)
        {
            int t = choice / K, slot = Slots[choice];
            double expected = slot < 0 ? 0 : Exact.Dot(Values.Doubles(dy, t), Values.Doubles(rows, slot));
            Assert.Equal(expected, dWeights.AsSpan()[choice], 5e-6);
            for (int j = 0; slot >= 0 && j < Columns; j++)
            {
                Assert.Equal(weights[choice] * dy[t, j], dRows[slot, j]);
            }
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void The_gradient_of_combine_is_the_same_with_any_number_of_threads()
    {
        const int Rows = 900;
        float[,] rows = Values.Matrix(_random, Rows, 100), dy = Values.Matrix(_random, Rows / 2, 100);
        float[] weights = Values.Vector(_random, Rows);
        int[] slots = [.. Enumerable.Range(0, Rows)];
        _random.Shuffle(slots);
        float[,]? expected = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var memory = new KernelMemory(threads);
            Matrix gradient = memory.Matrix(rows, gap: threads);
            Matrix dWeights = memory.Matrix(new float[1, Rows]);
            memory.Device.CombineRowsGradient(
                memory.Matrix(dy), gradient, memory.Integers(slots), 2, memory.Span(weights), gradient, dWeights.Data);
            float[,] found = new float[Rows + 1, 100 > Rows ? 100 : Rows];
            Copy(KernelMemory.Read(gradient), found, 0);
            Copy(KernelMemory.Read(dWeights), found, Rows);
            expected ??= found;
            Values.AssertSameBits(expected, found, $"{threads} threads");
        }
    }

    [Fact]
    public void Dispatch_and_combine_without_weights_are_each_others_gradients()
    {
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Tokens, Columns), z = Values.Matrix(_random, 8, Columns);
        int[] tokenOf = new int[8];
        for (int choice = 0; choice < Slots.Length; choice++)
        {
            if (Slots[choice] >= 0)
            {
                tokenOf[Slots[choice]] = choice / K;
            }
        }

        Matrix dispatched = memory.Matrix(new float[8, Columns]), combined = memory.Matrix(new float[Tokens, Columns]);
        memory.Device.GatherRows(memory.Matrix(x), memory.Integers(tokenOf), dispatched);
        memory.Device.CombineRows(memory.Matrix(z), memory.Integers(Slots), K, default, combined, Accumulation.Store);

        Assert.Equal(Inner(z, KernelMemory.Read(dispatched)), Inner(x, KernelMemory.Read(combined)), 1e-4);
    }

    private static double Inner(float[,] a, float[,] b) =>
        Enumerable.Range(0, a.GetLength(0)).Sum(i => Exact.Dot(Values.Doubles(a, i), Values.Doubles(b, i)));

    private static void Copy(float[,] from, float[,] to, int row)
    {
        for (int i = 0; i < from.Length; i++)
        {
            to[row + i / from.GetLength(1), i % from.GetLength(1)] = from[i / from.GetLength(1), i % from.GetLength(1)];
        }
    }
}
