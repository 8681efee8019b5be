using MoEActors.Native.Memory;

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
    [InlineData(1, 1)]
    [InlineData(20, 20)]
    [InlineData(7, 12)]
    [InlineData(9, 4)]
    public void Causal_softmax_and_its_gradient(int sequence, int columns)
    {
        const float Scale = 0.3f;
        int rows = 2 * sequence;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, rows, columns, 5), dp = Values.Matrix(_random, rows, columns);
        Matrix scores = memory.Matrix(x, gap: 2), gradient = memory.Matrix(dp);

        memory.Device.CausalSoftmax(scores, sequence, Scale);
        memory.Device.CausalSoftmaxGradient(scores, gradient, sequence, Scale);

        for (int i = 0; i < rows; i++)
        {
            int visible = Math.Min(i % sequence + 1, columns);
            double[] Probabilities(double[] v) =>
                [.. Exact.Softmax([.. v.Take(visible).Select(s => Scale * s)]), .. new double[columns - visible]];
            double[] row = Values.Doubles(x, i), exactDp = Values.Doubles(dp, i);
            Values.AssertClose(Probabilities(row), Values.Row(KernelMemory.Read(scores), i), 5e-7, "Probabilities");
            Values.AssertClose(
                Exact.Gradient(v => Exact.Dot(Probabilities(v), exactDp), row), Values.Row(KernelMemory.Read(gradient), i), 5e-7, "Gradient");
        }

        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void What_a_row_may_not_see_does_not_matter()
    {
        const int Sequence = 6;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Sequence, Sequence);
        float[,] spoiled = (float[,])x.Clone();
        for (int i = 0; i < x.Length; i++)
        {
            (int row, int column) = (i / Sequence, i % Sequence);
            spoiled[row, column] = column > row ? float.NaN : spoiled[row, column];
        }

        Matrix expected = memory.Matrix(x), found = memory.Matrix(spoiled);
        memory.Device.CausalSoftmax(expected, Sequence, 1f);
        memory.Device.CausalSoftmax(found, Sequence, 1f);

        Values.AssertSameBits(KernelMemory.Read(expected), KernelMemory.Read(found), "Probabilities");
    }
}
