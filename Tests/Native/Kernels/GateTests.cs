using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class GateTests
{
    private readonly Random _random = new(9);

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(70)]
    public void Softmax_and_its_gradient(int columns)
    {
        const int Rows = 3;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Rows, columns, 3), dp = Values.Matrix(_random, Rows, columns);
        Matrix logits = memory.Matrix(x, gap: 1), p = memory.Matrix(new float[Rows, columns]), dx = memory.Matrix(new float[Rows, columns]);
        DeviceSpan<float> lse = memory.Span(new float[Rows]);

        memory.Device.Softmax(logits, p, lse);
        memory.Device.Softmax(logits, logits, default);
        memory.Device.SoftmaxGradient(p, memory.Matrix(dp), dx);
        Matrix inPlace = memory.Matrix(dp);
        memory.Device.SoftmaxGradient(p, inPlace, inPlace);

        Values.AssertSameBits(KernelMemory.Read(p), KernelMemory.Read(logits), "In place");
        Values.AssertSameBits(KernelMemory.Read(dx), KernelMemory.Read(inPlace), "Gradient in place");
        for (int i = 0; i < Rows; i++)
        {
            double[] row = Values.Doubles(x, i), exactDp = Values.Doubles(dp, i);
            Values.AssertClose(Exact.Softmax(row), Values.Row(KernelMemory.Read(p), i), 3e-7, "Probabilities");
            Assert.Equal(Exact.LogSumExp(row), lse.AsSpan()[i], 2e-6);
            Values.AssertClose(
                Exact.Gradient(v => Exact.Dot(Exact.Softmax(v), exactDp), row), Values.Row(KernelMemory.Read(dx), i), 5e-7, "Gradient");
        }

        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    public void Sigmoid_and_its_gradient(int columns)
    {
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, 2, columns, 5), ds = Values.Matrix(_random, 2, columns);
        Matrix logits = memory.Matrix(x), scores = memory.Matrix(new float[2, columns], gap: 2), dx = memory.Matrix(ds);
        DeviceSpan<float> lse = memory.Span(new float[2]);

        memory.Device.Sigmoid(logits, scores, lse);
        memory.Device.SigmoidGradient(scores, dx, dx);

        for (int i = 0; i < 2; i++)
        {
            double[] row = Values.Doubles(x, i), exactDs = Values.Doubles(ds, i);
            Values.AssertClose([.. row.Select(Exact.Sigmoid)], Values.Row(KernelMemory.Read(scores), i), 2e-7, "Scores");
            Assert.Equal(Exact.LogSumExp(row), lse.AsSpan()[i], 4e-6);
            Values.AssertClose(
                Exact.Gradient(v => Exact.Dot([.. v.Select(Exact.Sigmoid)], exactDs), row), Values.Row(KernelMemory.Read(dx), i), 5e-7, "Gradient");
        }

        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(true, 1)]
    [InlineData(false, 3)]
    public void Choice_weights_and_their_gradient(bool renormalise, int k)
    {
        const int Columns = 20;
        int[] choices = [.. new[] { 17, 2, 9 }.Take(k), .. Enumerable.Repeat(-1, k)];
        using var memory = new KernelMemory();
        var s = new float[2, Columns];
        for (int i = 0; i < s.Length; i++)
        {
            s[i / Columns, i % Columns] = 0.05f + _random.NextSingle();
        }

        float[] dw = Values.Vector(_random, 2 * k);
        Matrix scores = memory.Matrix(s, gap: 1), ds = memory.Matrix(new float[2, Columns], gap: 3);
        DeviceSpan<float> weights = memory.Span(new float[2 * k]);
        memory.Device.ChoiceWeights(scores, memory.Integers(choices), k, renormalise, 1e-9f, weights);
        memory.Device.ChoiceWeightsGradient(scores, memory.Integers(choices), k, renormalise, 1e-9f, memory.Span(dw), ds);

        double[] Weights(double[] v)
        {
            double[] chosen = [.. choices.Take(k).Select(c => v[c])];
            return renormalise ? [.. chosen.Select(c => c / chosen.Sum())] : chosen;
        }

        double[] row = Values.Doubles(s, 0), exactDw = Values.Doubles(dw.AsSpan(0, k));
        Values.AssertClose(Weights(row), weights.AsSpan()[..k], 2e-7, "Weights");
        Values.AssertClose(
            Exact.Gradient(v => Exact.Dot(Weights(v), exactDw), row), Values.Row(KernelMemory.Read(ds), 0), 5e-6, "Gradient");
        Assert.Equal(new float[k], weights.AsSpan()[k..].ToArray());
        Assert.Equal(new float[Columns], Values.Row(KernelMemory.Read(ds), 1));
        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Where_epsilon_stands_for_the_sum_it_is_a_constant()
    {
        using var memory = new KernelMemory();
        Matrix scores = memory.Matrix(new float[,] { { 1e-8f, 2e-8f, 0f } }), ds = memory.Matrix(new float[1, 3]);
        DeviceSpan<float> weights = memory.Span(new float[2]);
        DeviceSpan<int> choices = memory.Integers(1, 0);

        memory.Device.ChoiceWeights(scores, choices, 2, true, 0.5f, weights);
        memory.Device.ChoiceWeightsGradient(scores, choices, 2, true, 0.5f, memory.Span([3f, 4f]), ds);

        Assert.Equal([4e-8f, 2e-8f], weights.AsSpan().ToArray());
        Assert.Equal([8f, 6f, 0f], ds.Data.AsSpan().ToArray());
    }

    [Theory]
    [InlineData(1, 40, 9, true)]
    [InlineData(1, 40, 9, false)]
    [InlineData(3, 3000, 200, true)]
    public void Score_sums_and_their_gradient(int threads, int rows, int columns, bool normalise)
    {
        using var memory = new KernelMemory(threads);
        var s = new float[rows, columns];
        for (int i = 0; i < s.Length; i++)
        {
            s[i / columns, i % columns] = 0.01f + _random.NextSingle();
        }

        int[] valid = [.. Enumerable.Range(0, rows).Select(i => i % 3 == 1 ? 0 : 1)];
        float[] before = Values.Vector(_random, columns), g = Values.Vector(_random, columns);
        Matrix scores = memory.Matrix(s, gap: 2), ds = memory.Matrix(Values.Matrix(_random, rows, columns));
        float[,] dsBefore = KernelMemory.Read(ds);
        DeviceSpan<float> sums = memory.Span(before);

        memory.Device.AddScoreSums(scores, memory.Integers(valid), normalise, sums);
        memory.Device.AddScoreSumsGradient(scores, memory.Integers(valid), normalise, memory.Span(g), ds);

        double[] P(double[] v)
        {
            double total = normalise ? v.Sum() : 1;
            return [.. v.Select(u => u / total)];
        }

        float[,] found = KernelMemory.Read(ds);
        double[] expected = Values.Doubles(before);
        for (int i = 0; i < rows; i++)
        {
            double[] row = Values.Doubles(s, i), gradient = Values.Doubles(dsBefore, i);
            if (valid[i] != 0)
            {
                expected = [.. expected.Zip(P(row), (u, v) => u + v)];
                double total = normalise ? row.Sum() : 1, mean = normalise ? Exact.Dot(Values.Doubles(g), P(row)) : 0;
                gradient = [.. gradient.Select((v, e) => v + (g[e] - mean) / total)];
                if (i == 0)
                {
                    double[] slope = Exact.Gradient(v => Exact.Dot(P(v), Values.Doubles(g)), row);
                    Values.AssertClose([.. slope.Select((v, e) => v + dsBefore[0, e])], Values.Row(found, 0), 1e-5, "Slope");
                }
            }

            Values.AssertClose(gradient, Values.Row(found, i), 2e-6, "Gradient");
        }

        Values.AssertClose(expected, sums.AsSpan(), 1e-5, "Sums");
        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Plain_score_sums_are_taken_in_row_order_and_added_once()
    {
        const int Rows = 1000, Columns = 70;
        float[,] s = Values.Matrix(_random, Rows, Columns);
        float[] before = Values.Vector(_random, Columns);
        foreach (int threads in new[] { 1, 3 })
        {
            using var memory = new KernelMemory(threads);
            DeviceSpan<float> sums = memory.Span(before);
            memory.Device.AddScoreSums(memory.Matrix(s), default, normalise: false, sums);
            for (int e = 0; e < Columns; e++)
            {
                float sum = 0;
                for (int t = 0; t < Rows; t++)
                {
                    sum += s[t, e];
                }

                Assert.Equal(before[e] + sum, sums.AsSpan()[e]);
            }
        }
    }

    [Fact]
    public void The_gradient_of_the_z_loss()
    {
        const int Rows = 3, Columns = 18;
        const float Factor = 0.01f;
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, Rows, Columns, 2), before = Values.Matrix(_random, Rows, Columns);
        Matrix logits = memory.Matrix(x), dx = memory.Matrix(before, gap: 1);
        DeviceSpan<float> lse = memory.Span(new float[Rows]);
        memory.Device.Softmax(logits, memory.Matrix(x), lse);

        memory.Device.ZLossGradient(logits, lse, memory.Integers(1, 0, 1), Factor, dx);

        Assert.Equal(Values.Row(before, 1), Values.Row(KernelMemory.Read(dx), 1));
        foreach (int row in new[] { 0, 2 })
        {
            double[] slope = Exact.Gradient(v => Factor * Math.Pow(Exact.LogSumExp(v), 2), Values.Doubles(x, row));
            double[] expected = [.. slope.Select((v, e) => v + before[row, e])];
            Values.AssertClose(expected, Values.Row(KernelMemory.Read(dx), row), 3e-7, "Gradient");
        }

        memory.AssertSurroundingsUntouched();
    }
}
