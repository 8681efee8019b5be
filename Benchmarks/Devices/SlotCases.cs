using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Slots and the permuted buffer, and what keeps experts equally busy.</summary>
internal static class SlotCases
{
    private const int K = 2;

    /// <summary>Sums in double, in another order.</summary>
    private const double Double = 1e-12;

    private static readonly int[] Capacities = [0, 1, 7, int.MaxValue];

    public static IEnumerable<DeviceCase> All =>
    [
        .. CaseShapes.Scores.Each("OrderByScore", (o, s) => o.Device.OrderByScore(Scores(o, s.Rows * K), K, o.Integers(s.Rows, 0, 1))),
        .. CaseShapes.Scores.Each("OrderByChance", (o, s) => o.Device.OrderByChance(0xFEEDUL, o.Integers(s.Rows, 0, 1))),
        .. CaseShapes.Scores.SelectMany(AssignSlots),
        .. CaseShapes.Scores.Each("PlaceRows", PlaceRows),
        .. CaseShapes.Scores.Each("ChoiceBalance", (o, s) => o.Device.ChoiceBalance(o.Vector(s.Columns), Counts(o, s), 37, K, o.Doubles(1)), Double),
        .. CaseShapes.Scores.Each("ChoiceBalanceGradient", (o, s) => o.Device.ChoiceBalanceGradient(Counts(o, s), 37, K, 0.01f, o.Vector(s.Columns))),
        .. CaseShapes.Scores.Each(
            "LoadImportance", (o, s) => o.Device.LoadImportance(Loads(o, s), Loads(o, s), o.Doubles(1)), Double),
        .. CaseShapes.Scores.Each("SquaredVariationGradient", (o, s) => o.Device.SquaredVariationGradient(Loads(o, s), 0.3, o.Vector(s.Columns))),
        .. CaseShapes.Scores.Each("SquaredVariationGradient of nothing", NoVariation),
        .. CaseShapes.Scores.Each("ZLoss", (o, s) => o.Device.ZLoss(o.Vector(s.Rows), o.Valid(s.Rows), 11, o.Doubles(1)), Double),
        .. CaseShapes.Scores.Each("SumRows", (o, s) => o.Device.SumRows(o.Vector(s.Rows), default, o.Doubles(1)), Double),
        .. CaseShapes.Scores.Each("SumRows of some", (o, s) => o.Device.SumRows(o.Vector(s.Rows), o.Valid(s.Rows), o.Doubles(1)), Double),
        .. CaseShapes.Scores.Each("AddCounts", (o, s) => o.Device.AddCounts(Counts(o, s), o.Vector(s.Columns)), tolerance: 0),
        .. CaseShapes.Scores.Each("MoveBias", MoveBias, tolerance: 0),
        .. CaseShapes.Features.Each("ScaleByExponential", (o, s) => o.Device.ScaleByExponential(o.Vector(s.Columns), o.Floats([1.5f]), 2f)),
        .. CaseShapes.Features.Each("ScaleByExponential at most", (o, s) => o.Device.ScaleByExponential(o.Vector(s.Columns), o.Floats([3f]), 2f)),
        .. CaseShapes.Features.Each(
            "AddExponentGradient", (o, s) => o.Device.AddExponentGradient(o.Vector(s.Columns), o.Floats([2f]), 2f, o.Vector(1)), CaseShapes.Sums),
        .. CaseShapes.Features.Each(
            "AddExponentGradient of none", (o, s) => o.Device.AddExponentGradient(o.Vector(s.Columns), o.Floats([2.5f]), 2f, o.Vector(1)), tolerance: 0),
    ];

    /// <summary>Not negative; some are equal, one in thirty is no number.</summary>
    private static DeviceSpan<float> Scores(CaseOperands o, int length) => o.Floats(
        [.. Enumerable.Range(0, length).Select(i => i % 30 == 29 ? float.NaN : o.Random.Next(9) / 8f)]);

    private static DeviceSpan<float> Loads(CaseOperands o, CaseShape s) => o.Floats([.. Enumerable.Range(0, s.Columns).Select(_ => (float)o.Random.Next(90))]);

    private static void NoVariation(CaseOperands o, CaseShape s) =>
        o.Device.SquaredVariationGradient(o.Floats(new float[s.Columns]), 0.3, o.Vector(s.Columns));

    private static DeviceSpan<int> Counts(CaseOperands o, CaseShape s) => o.Integers(s.Columns, 0, 50);

    private static void MoveBias(CaseOperands o, CaseShape s)
    {
        // Equal counts for half of the shapes: their bias stays.
        DeviceSpan<float> counts = s.Columns % 8 == 0 ? o.Floats([.. Enumerable.Repeat(3f, s.Columns)]) : Loads(o, s);
        o.Device.MoveBias(counts, 0.001f, o.Vector(s.Columns));
    }

    private static IEnumerable<DeviceCase> AssignSlots(CaseShape s)
    {
        foreach (int capacity in Capacities)
        {
            yield return new($"AssignSlots {s}, {capacity} each", 0, o => Assign(o, s, capacity, default, out _));
            yield return new($"AssignSlots {s}, {capacity} each, in another order", 0, o =>
            {
                DeviceSpan<int> order = o.Integers(s.Rows, 0, 1);
                o.Device.OrderByChance(7, order);
                Assign(o, s, capacity, order, out _);
            });
        }
    }

    private static DeviceSpan<int> Assign(CaseOperands o, CaseShape s, int capacity, DeviceSpan<int> order, out DeviceSpan<int> kept)
    {
        DeviceSpan<int> choices = o.Choices(s.Rows, s.Columns, K);
        kept = o.Integers(s.Rows * K, 0, 1);
        o.Device.AssignSlots(choices, K, capacity, order, kept, new SlotCounts(o.Integers(SlotCounts.LengthFor(s.Columns), 0, 9), s.Columns));
        return choices;
    }

    private static void PlaceRows(CaseOperands o, CaseShape s)
    {
        DeviceSpan<int> choices = Assign(o, s, 9, default, out DeviceSpan<int> kept);
        var (chosen, found) = (new int[s.Rows * K], new int[s.Rows * K]);
        o.Device.Read(choices, chosen);
        o.Device.Read(kept, found);

        // Every expert has two segments, the second of them longer, with an empty one between.
        int[] counts = new int[s.Columns];
        for (int i = 0; i < chosen.Length; i++)
        {
            if (found[i] != 0)
            {
                counts[chosen[i]]++;
            }
        }

        int[] experts = [.. Enumerable.Range(0, 3).SelectMany(_ => Enumerable.Range(0, s.Columns))];
        int[] lengths = [.. counts.Select(count => count / 3), .. counts.Select(_ => 0), .. counts.Select(count => count - count / 3)];
        o.Device.PlaceRows(choices, kept, K, experts, lengths, o.Integers(s.Rows * K, 0, 1), o.Integers(counts.Sum(), 0, 1));
    }
}
