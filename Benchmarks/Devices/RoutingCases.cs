using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Gates, and the permutation of rows.</summary>
internal static class RoutingCases
{
    private const int K = 3;

    public static IEnumerable<DeviceCase> All =>
    [
        .. CaseShapes.Scores.Concat(CaseShapes.Features).ToList().Each("Softmax", (o, s) => o.Device.Softmax(o.Matrix(s, 3), o.Matrix(s), o.Vector(s.Rows))),
        .. CaseShapes.Scores.Each("Softmax in place", SoftmaxInPlace),
        .. CaseShapes.Features.Each("SoftmaxGradient", (o, s) => o.Device.SoftmaxGradient(o.Matrix(s), o.Matrix(s), o.Matrix(s)), CaseShapes.Sums),
        .. CaseShapes.Scores.Each("Sigmoid", (o, s) => o.Device.Sigmoid(o.Matrix(s, 3), o.Matrix(s), o.Vector(s.Rows))),
        .. CaseShapes.Scores.Each("Sigmoid without sum", (o, s) => o.Device.Sigmoid(o.Matrix(s, 30), o.Matrix(s), default)),
        .. CaseShapes.Scores.Each(
            "TopK", (o, s) => o.Device.TopK(o.Matrix(s), o.Vector(s.Columns), o.Valid(s.Rows), K, o.Integers(s.Rows * K, 0, 1))),
        .. CaseShapes.Scores.Each("TopK of ties and NaN", (o, s) => o.Device.TopK(Ties(o, s), default, default, K, o.Integers(s.Rows * K, 0, 1))),
        .. CaseShapes.Scores.Each("TopK of all", (o, s) => o.Device.TopK(Ties(o, s), default, default, s.Columns, o.Integers(s.Rows * s.Columns, 0, 1))),
        .. CaseShapes.Scores.Each("ChoiceWeights", (o, s) => ChoiceWeights(o, s, renormalise: false)),
        .. CaseShapes.Scores.Each("ChoiceWeights renormalised", (o, s) => ChoiceWeights(o, s, renormalise: true)),
        .. CaseShapes.Scores.Each("ChoiceWeightsGradient", (o, s) => ChoiceWeightsGradient(o, s, renormalise: false)),
        .. CaseShapes.Scores.Each("ChoiceWeightsGradient renormalised", (o, s) => ChoiceWeightsGradient(o, s, renormalise: true)),
        .. CaseShapes.Scores.Each("AddScoreSums", (o, s) => o.Device.AddScoreSums(Positive(o, s), o.Valid(s.Rows), false, o.Vector(s.Columns))),
        .. CaseShapes.Scores.Each("AddScoreSums normalised", (o, s) => o.Device.AddScoreSums(Positive(o, s), default, true, o.Vector(s.Columns))),
        .. CaseShapes.Scores.Each(
            "AddScoreSumsGradient", (o, s) => o.Device.AddScoreSumsGradient(Positive(o, s), o.Valid(s.Rows), false, o.Vector(s.Columns), o.Matrix(s))),
        .. CaseShapes.Scores.Each("AddScoreSumsGradient normalised", (o, s) => o.Device.AddScoreSumsGradient(
            Positive(o, s), o.Valid(s.Rows), true, o.Vector(s.Columns), o.Matrix(s))),
        .. CaseShapes.Scores.Each("ZLossGradient", ZLossGradient),
        .. CaseShapes.Features.EachOfOperands("CombineRows", (o, s) => CombineRows(o, s, weighted: true, Accumulation.Store)),
        .. CaseShapes.Features.EachOfOperands("CombineRows added without weights", (o, s) => CombineRows(o, s, weighted: false, Accumulation.Add)),
        .. CaseShapes.Features.EachOfOperands("CombineRowsGradient", (o, s) => CombineRowsGradient(o, s, inPlace: false), CaseShapes.Sums),
        .. CaseShapes.Features.EachOfOperands("CombineRowsGradient in place", (o, s) => CombineRowsGradient(o, s, inPlace: true), CaseShapes.Sums),
    ];

    /// <summary>Scores above zero.</summary>
    public static Matrix Positive(CaseOperands o, CaseShape s) => o.Matrix(s.Rows, s.Columns, s.Gap, (_, _) => 0.01f + o.Random.NextSingle());

    /// <summary>Scores of few values, so that many are equal, with a NaN and infinities among them.</summary>
    public static Matrix Ties(CaseOperands o, CaseShape s) => o.Matrix(s.Rows, s.Columns, s.Gap, (_, _) => o.Random.Next(12) switch
    {
        0 => float.NaN,
        1 => float.NegativeInfinity,
        2 => float.PositiveInfinity,
        3 => -0f,
        4 => 0f,
        int n => n % 4,
    });

    private static void SoftmaxInPlace(CaseOperands o, CaseShape s)
    {
        Matrix x = o.Matrix(s);
        o.Device.Softmax(x, x, default);
    }

    private static void ChoiceWeights(CaseOperands o, CaseShape s, bool renormalise) =>
        o.Device.ChoiceWeights(Positive(o, s), o.Choices(s.Rows, s.Columns, K), K, renormalise, 0.5f, o.Vector(s.Rows * K));

    private static void ChoiceWeightsGradient(CaseOperands o, CaseShape s, bool renormalise) => o.Device.ChoiceWeightsGradient(
        Positive(o, s), o.Choices(s.Rows, s.Columns, K), K, renormalise, 0.5f, o.Vector(s.Rows * K), o.Matrix(s));

    private static void ZLossGradient(CaseOperands o, CaseShape s)
    {
        Matrix logits = o.Matrix(s);
        DeviceSpan<float> logSumExp = o.Vector(s.Rows);
        o.Device.Softmax(logits, o.Matrix(s), logSumExp);
        o.Device.ZLossGradient(logits, logSumExp, o.Valid(s.Rows), 0.1f, o.Matrix(s));
    }

    private static void CombineRows(CaseOperands o, CaseShape s, bool weighted, Accumulation accumulation) => o.Device.CombineRows(
        o.Operand(17, s.Columns, 1), o.Integers(s.Rows * 2, -1, 17), 2, weighted ? o.Vector(s.Rows * 2) : default, o.Matrix(s), accumulation);

    private static void CombineRowsGradient(CaseOperands o, CaseShape s, bool inPlace)
    {
        // A slot belongs to one choice; every fifth is dropped.
        int[] slots = [.. Enumerable.Range(0, s.Rows * 2)];
        o.Random.Shuffle(slots);
        Matrix rows = o.Operand(s.Rows * 2, s.Columns, s.Gap);
        o.Device.CombineRowsGradient(
            o.Matrix(s), rows, o.Integers([.. slots.Select(slot => slot % 5 == 4 ? -1 : slot)]), 2, o.Vector(s.Rows * 2),
            inPlace ? rows : o.Operand(s.Rows * 2, s.Columns, 2), o.Vector(s.Rows * 2));
    }
}
