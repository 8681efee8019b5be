using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>What particular gates need.</summary>
internal static class GateCases
{
    private const int K = 2;

    public static IEnumerable<DeviceCase> All =>
    [
        .. CaseShapes.Features.Each("NormalizeRows", (o, s) => o.Device.NormalizeRows(o.Matrix(s), 1e-6f, o.Matrix(s), o.Vector(s.Rows))),
        .. CaseShapes.Features.Each("NormalizeRows of small rows", (o, s) => o.Device.NormalizeRows(o.Matrix(s, 1e-8f), 0.1f, o.Matrix(s), o.Vector(s.Rows))),
        .. CaseShapes.Features.Each("NormalizeRowsGradient", (o, s) => NormalizeRowsGradient(o, s, Accumulation.Store), CaseShapes.Sums),
        .. CaseShapes.Features.Each("NormalizeRowsGradient added", (o, s) => NormalizeRowsGradient(o, s, Accumulation.Add), CaseShapes.Sums),
        .. CaseShapes.Features.Each("DotRows", (o, s) => o.Device.DotRows(o.Matrix(s), o.Matrix(s), o.Vector(s.Rows)), CaseShapes.Sums),
        .. CaseShapes.Scores.Each("MaskGroups", (o, s) => o.Device.MaskGroups(o.Matrix(s), o.Vector(s.Columns), 4, 2, o.Matrix(s)), tolerance: 0),
        .. CaseShapes.Scores.Each(
            "MaskGroups of ties and NaN", (o, s) => o.Device.MaskGroups(RoutingCases.Ties(o, s), default, s.Columns / 2, 1, o.Matrix(s)), tolerance: 0),
        .. CaseShapes.Scores.Each(
            "MaskGroups of one member", (o, s) => o.Device.MaskGroups(RoutingCases.Ties(o, s), default, s.Columns, 3, o.Matrix(s)), tolerance: 0),
        .. CaseShapes.Scores.Each("Entropies", (o, s) => o.Device.Entropies(RoutingCases.Positive(o, s), false, o.Vector(s.Rows))),
        .. CaseShapes.Scores.Each("Entropies normalised", (o, s) => o.Device.Entropies(SomeZero(o, s), true, o.Vector(s.Rows))),
        .. CaseShapes.Scores.Each("DrawSecond", DrawSecond),
        .. CaseShapes.Scores.SelectMany(TopRows),
        .. CaseShapes.Scores.Each("ColumnsOfRows", ColumnsOfRows),
        .. CaseShapes.Scores.Each("AddSmoothLoad", (o, s) => o.Device.AddSmoothLoad(
            o.Matrix(s), o.Matrix(s), o.Choices(s.Rows, s.Columns, K), K, 0.3f, o.Vector(s.Columns))),
        .. CaseShapes.Scores.Each("AddSmoothLoadGradient", (o, s) => o.Device.AddSmoothLoadGradient(
            o.Matrix(s), o.Matrix(s), o.Choices(s.Rows, s.Columns, K), K, 0.3f, o.Vector(s.Columns), o.Matrix(s))),
    ];

    private static Matrix SomeZero(CaseOperands o, CaseShape s) =>
        o.Matrix(s.Rows, s.Columns, s.Gap, (_, j) => j % 3 == 1 ? 0f : 0.01f + o.Random.NextSingle());

    private static void NormalizeRowsGradient(CaseOperands o, CaseShape s, Accumulation accumulation)
    {
        Matrix y = o.Matrix(s);
        DeviceSpan<float> inverseNorms = o.Vector(s.Rows);
        o.Device.NormalizeRows(o.Matrix(s), 1f, y, inverseNorms);
        o.Device.NormalizeRowsGradient(y, inverseNorms, 1f, o.Matrix(s), o.Matrix(s), accumulation);
    }

    private static void DrawSecond(CaseOperands o, CaseShape s)
    {
        Matrix scores = o.Matrix(s.Rows, s.Columns, s.Gap, (_, j) => j % 4 == 3 ? float.NegativeInfinity : 0.5f);
        o.Device.DrawSecond(o.Matrix(s), scores, 0xDECAFUL, 1.5f, 3, o.Choices(s.Rows, s.Columns, 3));
    }

    private static IEnumerable<DeviceCase> TopRows(CaseShape s)
    {
        foreach (int count in new[] { 0, 1, s.Rows / 3, s.Rows, s.Rows + 2 }.Distinct())
        {
            yield return new($"TopRows {s}, {count} of each", 0, o =>
                o.Device.TopRows(o.Matrix(s), o.Valid(s.Rows), count, o.Integers(s.Columns * count, 0, 1)));
            yield return new($"TopRows {s}, {count} of each, ties and NaN", 0, o =>
                o.Device.TopRows(RoutingCases.Ties(o, s), default, count, o.Integers(s.Columns * count, 0, 1)));
        }
    }

    private static void ColumnsOfRows(CaseOperands o, CaseShape s)
    {
        int count = s.Rows / 2 + 1;
        DeviceSpan<int> rows = o.Integers(s.Columns * count, 0, 1);
        o.Device.TopRows(o.Matrix(s), o.Valid(s.Rows), count, rows);
        o.Device.ColumnsOfRows(rows, count, s.Columns, o.Integers(s.Rows * s.Columns, 0, 1));
    }
}
