using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Kernels;

public class AttentionTests
{
    private readonly Random _random = new(7);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(32, 2)]
    public void Rotary_turns_each_pair_by_its_angle_and_back(int half, int heads)
    {
        const int Sequence = 3, Rows = 2 * Sequence;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Rows, 2 * half * heads), cosines = new float[Sequence, half], sines = new float[Sequence, half];
        for (int i = 0; i < cosines.Length; i++)
        {
            (sines[i / half, i % half], cosines[i / half, i % half]) = MathF.SinCos(_random.NextSingle() * 6);
        }

        Matrix rotated = memory.Matrix(x, gap: 5), c = memory.Matrix(cosines), s = memory.Matrix(sines);
        memory.Device.Rotary(rotated, c, s, Sequence, inverse: false);
        float[,] found = KernelMemory.Read(rotated);
        memory.Device.Rotary(rotated, c, s, Sequence, inverse: true);
        float[,] back = KernelMemory.Read(rotated);

        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < x.GetLength(1); j++)
            {
                int angle = j % half, first = j / (2 * half) * 2 * half + angle;
                double cos = cosines[i % Sequence, angle], sin = sines[i % Sequence, angle];
                double expected = j == first
                    ? x[i, j] * cos - x[i, j + half] * sin
                    : x[i, j] * cos + x[i, first] * sin;
                Assert.Equal(expected, found[i, j], 1e-6);
                Assert.Equal(x[i, j], back[i, j], 2e-6f);
            }
        }

        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(1, 1, 2)]
    [InlineData(2, 2, 6)]
    [InlineData(4, 2, 6)]
    [InlineData(3, 1, 64)]
    [InlineData(2, 1, 128)]
    [InlineData(1, 1, 256)]
    public void Gradients_are_the_slopes_of_attention(int heads, int keyValueHeads, int headDim)
    {
        var shape = new AttentionShape(heads, keyValueHeads, headDim);
        using var attention = new AttentionCase(_random, shape, sequences: 2, length: 3, firstKeys: [0, 0, 0, 0, 1, 1]);
        attention.Run();

        double Along(double[] inputs) => Exact.Dot(attention.Exactly(inputs), attention.OutputGradient);
        double[] slopes = Exact.Gradient(Along, attention.Inputs);

        Values.AssertClose(attention.Exactly(attention.Inputs), attention.Output, 5e-6, "Output");
        Values.AssertClose(slopes, attention.InputGradient, 2e-5, "Gradient");
        attention.AssertSurroundingsUntouched();
    }

    /// <summary>Sequences of several blocks, seen in full, by documents, and through a window.</summary>
    [Theory]
    [InlineData(130, "all")]
    [InlineData(130, "documents")]
    [InlineData(200, "window")]
    [InlineData(64, "documents")]
    [InlineData(65, "window")]
    public void Blocks_leave_out_nothing_that_is_seen(int length, string sight)
    {
        int[] firstKeys = sight switch
        {
            "documents" => Starts([3, 40, 1, length - 44]),
            "window" => [.. Enumerable.Range(0, length).Select(i => Math.Max(0, i - 20))],
            _ => [],
        };
        var shape = new AttentionShape(4, 2, 6);
        using var attention = new AttentionCase(_random, shape, sequences: 2, length, [.. firstKeys, .. firstKeys], threads: 2);
        attention.Run();

        Values.AssertClose(attention.Exactly(attention.Inputs), attention.Output, 5e-6, "Output");
        Values.AssertClose(attention.ExactGradient(), attention.InputGradient, 2e-5, "Gradient");
        attention.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(2, 2, 2)]
    [InlineData(4, 2, 6)]
    [InlineData(3, 1, 64)]
    [InlineData(2, 1, 128)]
    [InlineData(1, 1, 256)]
    public void Documents_in_one_sequence_have_the_bits_of_documents_apart(int heads, int keyValueHeads, int headDim)
    {
        int[] lengths = [1, 64, 3, 70, 12];
        var shape = new AttentionShape(heads, keyValueHeads, headDim);
        using var together = new AttentionCase(_random, shape, sequences: 1, lengths.Sum(), Starts(lengths));
        together.Run();

        int first = 0;
        foreach (int length in lengths)
        {
            using var alone = new AttentionCase(_random, shape, sequences: 1, length, firstKeys: []);
            alone.Take(together, first);
            alone.Run();
            Assert.Equal(Bits(alone.Output), Bits(together.Output.AsSpan(first * shape.QueryColumns, alone.Output.Length)));
            Assert.Equal(Bits(alone.InputGradient), Bits(together.InputGradient.AsSpan(first * shape.Columns, alone.InputGradient.Length)));
            first += length;
        }
    }

    [Fact]
    public void What_a_query_may_not_see_does_not_matter()
    {
        const int Length = 100;
        var shape = new AttentionShape(2, 1, 6);
        using var expected = new AttentionCase(_random, shape, sequences: 1, Length, Starts([50, 50]));
        using var found = new AttentionCase(_random, shape, sequences: 1, Length, Starts([50, 50]));
        found.Take(expected, 0);
        found.Disturb(row => row is < 50 or >= 80);
        expected.Run();
        found.Run();

        int start = 50 * shape.QueryColumns, count = 30 * shape.QueryColumns;
        Assert.Equal(Bits(expected.Output.AsSpan(start, count)), Bits(found.Output.AsSpan(start, count)));
        Assert.NotEqual(Bits(expected.Output.AsSpan(0, start)), Bits(found.Output.AsSpan(0, start)));
    }

    /// <summary>By row the first of its document, of documents that fill a sequence.</summary>
    private static int[] Starts(int[] lengths) =>
        [.. lengths.SelectMany((length, document) => Enumerable.Repeat(lengths.Take(document).Sum(), length))];

    private static int[] Bits(ReadOnlySpan<float> values) => [.. values.ToArray().Select(BitConverter.SingleToInt32Bits)];
}
