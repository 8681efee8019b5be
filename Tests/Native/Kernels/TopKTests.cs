using FsCheck;
using FsCheck.Fluent;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class TopKTests
{
    [Fact]
    public void Choices_are_the_best_of_scores_plus_bias_and_ties_go_to_the_lower_column()
    {
        // Few different values make many ties; the extremes are among them.
        float[] levels = [float.NegativeInfinity, -2f, -0f, 0f, 1f, 1.5f, float.PositiveInfinity];
        Arbitrary<(int Columns, int K, bool Biased, int Seed)> cases = (
            from columns in Gen.Choose(1, 300)
            from k in Gen.Choose(0, Math.Min(8, columns))
            from biased in Gen.Elements(true, false)
            from seed in Gen.Choose(0, 1_000_000)
            select (columns, k, biased, seed)).ToArbitrary();
        Prop.ForAll(cases, c => Check(c.Columns, c.K, c.Biased, new Random(c.Seed), levels))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(40)]
    public void A_row_of_no_numbers_chooses_the_lowest_columns(int columns)
    {
        using var memory = new KernelMemory();
        var scores = new float[2, columns];
        for (int j = 0; j < columns; j++)
        {
            scores[0, j] = float.NaN;
            scores[1, j] = j == 3 ? 1f : float.NaN;
        }

        Assert.Equal([0, 1, 2, 3, 3, 0, 1, 2], Choose(memory, scores, 4));
    }

    [Fact]
    public void Rows_that_take_no_part_choose_nothing()
    {
        using var memory = new KernelMemory();
        DeviceSpan<int> choices = memory.Integers(7, 7, 7, 7);

        memory.Device.TopK(memory.Matrix(new float[,] { { 1, 2, 3 }, { 1, 3, 2 } }), default, memory.Integers(0, 1), 2, choices);

        Assert.Equal([-1, -1, 1, 2], choices.AsSpan().ToArray());
    }

    private static void Check(int columns, int k, bool biased, Random random, float[] levels)
    {
        using var memory = new KernelMemory();
        var scores = new float[4, columns];
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i / columns, i % columns] = levels[random.Next(levels.Length)];
        }

        float[] bias = biased ? [.. Enumerable.Range(0, columns).Select(_ => (float)random.Next(3))] : [];
        IEnumerable<int> expected = Enumerable.Range(0, 4).SelectMany(t => Enumerable.Range(0, columns)
            .OrderByDescending(e => scores[t, e] + (biased ? bias[e] : 0)).ThenBy(e => e).Take(k));

        Assert.Equal(expected, Choose(memory, scores, k, bias));
        memory.AssertSurroundingsUntouched();
    }

    private static int[] Choose(KernelMemory memory, float[,] scores, int k, params float[] bias)
    {
        DeviceSpan<int> choices = memory.Integers(new int[scores.GetLength(0) * k]);
        memory.Device.TopK(memory.Matrix(scores, gap: 1), bias.Length == 0 ? default : memory.Span(bias), default, k, choices);
        return choices.AsSpan().ToArray();
    }
}
