using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Elementwise sums, norms, embeddings and the loss.</summary>
internal static class LayerCases
{
    private static readonly int[] Lengths = [0, 1, 5, 4096, 5001];

    public static IEnumerable<DeviceCase> All =>
    [
        .. Lengths.SelectMany(Elementwise),
        .. CaseShapes.Features.EachOfOperands("Scale", (o, s) => o.Device.Scale(o.Operand(s), 0.3f), tolerance: 0),
        .. CaseShapes.Features.EachOfOperands("Multiply", (o, s) => o.Device.Multiply(o.Operand(s), o.Operand(s), o.Operand(s)), tolerance: 0),
        .. CaseShapes.Features.EachOfOperands("AddBias", (o, s) => o.Device.AddBias(o.Operand(s), o.Vector(s.Columns)), tolerance: 0),
        .. CaseShapes.Features.Each("MixRows", (o, s) => o.Device.MixRows(o.Matrix(s), o.Matrix(s), o.Matrix(s.Rows, 2, 1), o.Matrix(s))),
        .. CaseShapes.Features.Each("MixRowsGradient", MixRowsGradient, CaseShapes.Sums),
        .. CaseShapes.Features.Each("MixRowsGradient in place", MixRowsGradientInPlace, CaseShapes.Sums),
        .. CaseShapes.Features.EachOfOperands(
            "RmsNorm", (o, s) => o.Device.RmsNorm(o.Matrix(s), o.Vector(s.Columns), 1e-5f, o.Operand(s), o.Vector(s.Rows))),
        .. CaseShapes.Features.Each("RmsNormInputGradient", (o, s) => RmsNormInputGradient(o, s, Accumulation.Store)),
        .. CaseShapes.Features.Each("RmsNormInputGradient added", (o, s) => RmsNormInputGradient(o, s, Accumulation.Add)),
        .. CaseShapes.Features.Each("RmsNormWeightGradient", RmsNormWeightGradient, CaseShapes.Sums),
        .. CaseShapes.Features.Each("EmbeddingGradient", (o, s) => EmbeddingGradient(o, s, vocabulary: 11), CaseShapes.Sums),
        .. CaseShapes.Features.Each("EmbeddingGradient of one id", (o, s) => EmbeddingGradient(o, s, vocabulary: 1), CaseShapes.Sums),
        .. CaseShapes.Features.EachOfOperands("GatherRows", GatherRows, tolerance: 0),
        .. CaseShapes.Features.Each("CrossEntropy", (o, s) => CrossEntropy(o, s, o.Matrix(s), o.Matrix(s))),
        .. CaseShapes.Features.Each("CrossEntropy without gradient", (o, s) => CrossEntropy(o, s, o.Matrix(s), default)),
        .. CaseShapes.Features.Each("CrossEntropy in place", CrossEntropyInPlace),
    ];

    /// <summary>About one target in ten is masked.</summary>
    private static void CrossEntropy(CaseOperands o, CaseShape s, Matrix logits, Matrix dLogits) => o.Device.CrossEntropy(
        logits, o.Integers([.. Enumerable.Range(0, s.Rows).Select(row => row % 10 == 9 ? -1 : o.Random.Next(s.Columns))]), 0.3f, o.Vector(s.Rows), dLogits,
        o.Doubles(1));

    private static void CrossEntropyInPlace(CaseOperands o, CaseShape s)
    {
        Matrix logits = o.Matrix(s, 4f);
        CrossEntropy(o, s, logits, logits);
    }

    private static IEnumerable<DeviceCase> Elementwise(int length)
    {
        yield return new($"Add {length}", 0, o => o.Device.Add(o.Vector(length), o.Vector(length)));
        yield return new($"Scale {length}", 0, o => o.Device.Scale(o.Vector(length), 0.3f));
    }

    private static void MixRowsGradient(CaseOperands o, CaseShape s) => o.Device.MixRowsGradient(
        o.Matrix(s), o.Matrix(s), o.Matrix(s.Rows, 2), o.Matrix(s), o.Matrix(s), o.Matrix(s), o.Matrix(s.Rows, 2, 1));

    private static void MixRowsGradientInPlace(CaseOperands o, CaseShape s)
    {
        Matrix a = o.Matrix(s), b = o.Matrix(s), coefficients = o.Matrix(s.Rows, 2);
        o.Device.MixRowsGradient(a, b, coefficients, o.Matrix(s), a, b, coefficients);
    }

    private static void RmsNormInputGradient(CaseOperands o, CaseShape s, Accumulation accumulation) =>
        o.Device.RmsNormInputGradient(o.Matrix(s), o.Vector(s.Columns), o.Vector(s.Rows), o.Matrix(s), o.Matrix(s), accumulation);

    private static void RmsNormWeightGradient(CaseOperands o, CaseShape s) =>
        o.Device.RmsNormWeightGradient(o.Matrix(s), o.Vector(s.Rows), o.Matrix(s), o.Vector(s.Columns));

    private static void EmbeddingGradient(CaseOperands o, CaseShape s, int vocabulary) =>
        o.Device.EmbeddingGradient(o.Integers(s.Rows, 0, vocabulary), o.Matrix(s), o.Matrix(vocabulary, s.Columns, s.Gap));

    private static void GatherRows(CaseOperands o, CaseShape s) =>
        o.Device.GatherRows(o.Matrix(13, s.Columns, 2), o.Integers(s.Rows, 0, 13), o.Operand(s));
}
