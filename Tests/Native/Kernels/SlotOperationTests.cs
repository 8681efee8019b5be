using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Kernels;

/// <summary>Slots, places and what keeps experts equally busy, by hand and against plain loops; Tests/Gates has the same from above.</summary>
public class SlotOperationTests
{
    private readonly Random _random = new(17);

    [Fact]
    public void Rows_are_ordered_by_their_best_score_and_equal_ones_by_place()
    {
        using var memory = new KernelMemory();
        DeviceSpan<int> order = memory.Integers(new int[6]);
        memory.Device.OrderByScore(memory.Span([0.1f, 0.5f, 0.5f, 0f, 0.2f, 0.3f, float.NaN, 0f, 0f, 0f, 0.9f, 0.5f]), 2, order);
        Assert.Equal([3, 5, 0, 1, 2, 4], order.AsSpan().ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_random_order_has_every_row_once_and_is_that_of_the_key(int rows)
    {
        const ulong Key = 12;
        using var memory = new KernelMemory();
        DeviceSpan<int> order = memory.Integers(new int[rows]), other = memory.Integers(new int[rows]);
        memory.Device.OrderByChance(Key, order);
        memory.Device.OrderByChance(Key + 1, other);
        Assert.Equal(Enumerable.Range(0, rows).OrderBy(row => CounterRandom.Next(Key, (ulong)row) >> 32).ThenBy(row => row), order.AsSpan().ToArray());
        Assert.Equal(rows > 1, !order.AsSpan().SequenceEqual(other.AsSpan()));
    }

    [Fact]
    public void First_choices_are_served_before_second_ones_in_the_given_order()
    {
        using var memory = new KernelMemory();
        DeviceSpan<int> choices = memory.Integers(0, 1, 0, 2, 1, 0, -1, -1), kept = memory.Integers(new int[8]);
        SlotCounts counts = Counts(memory, 3);

        memory.Device.AssignSlots(choices, 2, capacity: 1, memory.Integers(3, 1, 0, 2), kept, counts);

        Assert.Equal([0, 0, 1, 1, 1, 0, 0, 0], kept.AsSpan().ToArray());
        Assert.Equal([1, 1, 1], counts.Kept.AsSpan().ToArray());
        Assert.Equal([3, 2, 1], counts.Chosen.AsSpan().ToArray());
        Assert.Equal([2, 1, 0], counts.FirstChoices.AsSpan().ToArray());
        Assert.Equal([2], counts.RoutedTokens.AsSpan().ToArray());
    }

    [Fact]
    public void No_rows_and_no_slots_leave_counts_that_are_zero()
    {
        using var memory = new KernelMemory();
        SlotCounts counts = Counts(memory, 2);
        memory.Device.AssignSlots(default, 2, 3, default, default, counts);
        Assert.Equal(new int[7], counts.All.AsSpan().ToArray());
        DeviceSpan<int> kept = memory.Integers(1, 1);
        memory.Device.AssignSlots(memory.Integers(0, 1), 1, 0, default, kept, counts);
        Assert.Equal([0, 0, 1, 1, 1, 1, 0], counts.All.AsSpan().ToArray());
        Assert.Equal([0, 0], kept.AsSpan().ToArray());
    }

    [Fact]
    public void Kept_choices_fill_the_segments_of_their_expert_in_order()
    {
        using var memory = new KernelMemory();
        DeviceSpan<int> slots = memory.Integers(new int[8]), tokens = memory.Integers(new int[5]);

        // Expert 1 lies in front, expert 0 in two segments around an empty one of its own.
        memory.Device.PlaceRows(
            memory.Integers(0, 1, 1, 0, 0, -1, 1, 0), memory.Integers(1, 1, 0, 1, 1, 0, 1, 0), 2, [1, 0, 0, 0], [2, 1, 0, 2], slots, tokens);

        Assert.Equal([2, 0, -1, 3, 4, -1, 1, -1], slots.AsSpan().ToArray());
        Assert.Equal([0, 3, 0, 1, 2], tokens.AsSpan().ToArray());
    }

    [Fact]
    public void Wrong_operands_are_refused()
    {
        using var memory = new KernelMemory();
        DeviceSpan<int> two = memory.Integers(0, 1), three = memory.Integers(0, 0, 0);
        SlotCounts counts = Counts(memory, 2);
        DeviceSpan<float> floats = memory.Span(new float[3]);
        Refuses("choices", () => memory.Device.AssignSlots(memory.Integers(0, 2), 1, 1, default, two, counts));
        Refuses("choices", () => memory.Device.AssignSlots(three, 2, 1, default, three, counts));
        Refuses("order", () => memory.Device.AssignSlots(two, 1, 1, three, two, counts));
        Refuses("order", () => memory.Device.AssignSlots(two, 1, 1, memory.Integers(0, 2), two, counts));
        Refuses("kept", () => memory.Device.AssignSlots(two, 1, 1, default, three, counts));
        Refuses("counts", () => memory.Device.AssignSlots(two, 1, 1, default, two, new SlotCounts(three, 2)));
        Refuses("segmentLengths", () => memory.Device.PlaceRows(two, memory.Integers(1, 1), 1, [0, 1], [2, 0], two, memory.Integers(0, 0)));
        Refuses("segmentLengths", () => memory.Device.PlaceRows(two, memory.Integers(1, 1), 1, [0, 1], [2], two, memory.Integers(0, 0)));
        Refuses("segmentLengths", () => memory.Device.PlaceRows(two, memory.Integers(1, 1), 1, [0, 1], [1, 2], two, memory.Integers(0, 0)));
        Refuses("slots", () => memory.Device.PlaceRows(two, two, 1, [0, 1], [1, 1], three, two));
        Refuses("scores", () => memory.Device.OrderByScore(floats, 2, three));
        Refuses("counts", () => memory.Device.ChoiceBalance(floats, two, 1, 1, memory.Number()));
        Refuses("load", () => memory.Device.LoadImportance(floats, floats.Slice(1), memory.Number()));
        Refuses("valid", () => memory.Device.ZLoss(floats, two, 1, memory.Number()));
        Refuses("sum", () => memory.Device.SumRows(floats, default, default));
        Refuses("sums", () => memory.Device.AddCounts(two, floats));
        Refuses("bias", () => memory.Device.MoveBias(floats, 1, floats.Slice(1)));
        Refuses("exponent", () => memory.Device.ScaleByExponential(floats, floats, 1));
    }

    [Fact]
    public void Losses_and_their_gradients_are_those_of_the_formulas()
    {
        const int Experts = 5, Tokens = 40, K = 3;
        using var memory = new KernelMemory();
        float[] sums = [.. Values.Vector(_random, Experts).Select(MathF.Abs)], load = [.. Values.Vector(_random, Experts).Select(MathF.Abs)];
        int[] counts = [.. Enumerable.Range(0, Experts).Select(_ => _random.Next(Tokens))];
        DeviceSpan<float> gradient = memory.Span(new float[Experts]);
        DeviceSpan<double> loss = memory.Number();
        double Balance(double[] v) => Experts * v.Zip(counts, (sum, count) => sum / Tokens * count / (Tokens * K)).Sum();
        double Variation(double[] v) => v.Select(x => Math.Pow(x - v.Average(), 2)).Average() / Math.Pow(v.Average(), 2);

        memory.Device.ChoiceBalance(memory.Span(sums), memory.Integers(counts), Tokens, K, loss);
        Assert.Equal(Balance(Values.Doubles(sums)), loss.AsSpan()[0], 1e-12);
        memory.Device.ChoiceBalanceGradient(memory.Integers(counts), Tokens, K, 0.7f, gradient);
        Values.AssertClose(Exact.Gradient(v => 0.7 * Balance(v), Values.Doubles(sums)), gradient.AsSpan(), 1e-7, "Balance");

        memory.Device.LoadImportance(memory.Span(sums), memory.Span(load), loss);
        Assert.Equal((Variation(Values.Doubles(sums)) + Variation(Values.Doubles(load))) / 2, loss.AsSpan()[0], 1e-12);
        memory.Device.SquaredVariationGradient(memory.Span(sums), 0.7, gradient);
        Values.AssertClose(Exact.Gradient(v => 0.7 * Variation(v), Values.Doubles(sums)), gradient.AsSpan(), 1e-6, "Variation");

        DeviceSpan<float> nothing = memory.Span(new float[Experts]);
        memory.Device.LoadImportance(nothing, nothing, loss);
        Assert.Equal(0, loss.AsSpan()[0]);
        memory.Device.SquaredVariationGradient(nothing, 0.7, gradient);
        Assert.Equal(new float[Experts], gradient.AsSpan().ToArray());
    }

    [Fact]
    public void Sums_over_rows_leave_out_those_that_take_no_part_whatever_they_hold()
    {
        using var memory = new KernelMemory();
        DeviceSpan<float> x = memory.Span([1f, float.NaN, 3f]);
        DeviceSpan<int> valid = memory.Integers(1, 0, 1);
        DeviceSpan<double> found = memory.Number();
        memory.Device.SumRows(x, valid, found);
        Assert.Equal(4, found.AsSpan()[0]);
        memory.Device.ZLoss(x, valid, 2, found);
        Assert.Equal(5, found.AsSpan()[0]);
        memory.Device.SumRows(x, default, found);
        Assert.True(double.IsNaN(found.AsSpan()[0]));
    }

    [Fact]
    public void The_bias_moves_towards_an_equal_count()
    {
        using var memory = new KernelMemory();
        DeviceSpan<float> counts = memory.Span([1f, 0f, 2f]), bias = memory.Span([0.5f, 0.5f, 0.5f]);
        memory.Device.AddCounts(memory.Integers(1, 1, 2), counts);
        memory.Device.AddCounts(memory.Integers(0, 0, 1), counts);
        Assert.Equal([2f, 1f, 5f], counts.AsSpan().ToArray());
        memory.Device.AddCounts(memory.Integers(1, 0, 0), counts);
        memory.Device.MoveBias(counts, 0.25f, bias);
        Assert.Equal([0.5f, 0.75f, 0.25f], bias.AsSpan().ToArray());
    }

    [Theory]
    [InlineData(0.5f)]
    [InlineData(2f)]
    [InlineData(2.1f)]
    public void A_trained_exponent_has_a_gradient_up_to_its_limit(float exponent)
    {
        const float Highest = 2f;
        using var memory = new KernelMemory();
        DeviceSpan<float> x = memory.Span([1f, -2f]), gradient = memory.Span([10f]), trained = memory.Span([exponent]);
        memory.Device.ScaleByExponential(x, trained, Highest);
        float factor = MathF.Exp(MathF.Min(exponent, Highest));
        Assert.Equal([factor, -2 * factor], x.AsSpan().ToArray());
        memory.Device.AddExponentGradient(memory.Span([1f, 2f, 3f]), trained, Highest, gradient);
        Assert.Equal([exponent <= Highest ? 16f : 10f], gradient.AsSpan().ToArray());
    }

    private static SlotCounts Counts(KernelMemory memory, int experts) =>
        new(memory.Integers([.. Enumerable.Repeat(-7, SlotCounts.LengthFor(experts))]), experts);

    private static void Refuses(string operand, Action operation) =>
        Assert.Equal(operand, Assert.ThrowsAny<ArgumentException>(operation).ParamName);
}
