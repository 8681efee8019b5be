using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Products and column sums.</summary>
internal static class MatrixCases
{
    private static readonly (int M, int K, int N)[] Products = [(0, 3, 4), (1, 1, 1), (5, 0, 3), (3, 17, 5), (33, 70, 65), (128, 256, 64)];

    public static IEnumerable<DeviceCase> All =>
    [
        .. Products.SelectMany(MatMul),
        new("MatMul to an operand", CaseShapes.Sums, o => o.Device.MatMul(o.Operand(33, 70, 1), o.Operand(70, 65), o.Operand(33, 65, 2)), HasOperands: true),
        new("GroupedMatMul of three shapes", CaseShapes.Close, GroupedMatMul, HasOperands: true),
        new("GroupedWeightGradient with empty segments", CaseShapes.Close, o => GroupedWeightGradient(o, Accumulation.Add), HasOperands: true),
        new("GroupedWeightGradient stored", CaseShapes.Close, o => GroupedWeightGradient(o, Accumulation.Store), HasOperands: true),
        .. CaseShapes.Features.Each("Convert, rounding", (o, s) => o.Device.Convert(Ties(o, s), o.Rounded(s.Rows, s.Columns, 1, (_, _) => 0)), tolerance: 0),
        .. CaseShapes.Features.Each("Convert, widening", (o, s) => o.Device.Convert(o.Rounded(s.Rows, s.Columns, 3, (_, _) => o.Normal()), o.Matrix(s)), tolerance: 0),
        .. CaseShapes.Features.Each("Convert, copying", (o, s) => o.Device.Convert(o.Matrix(s), o.Matrix(s.Rows, s.Columns, 2)), tolerance: 0),
        .. CaseShapes.Features.Each(
            "Convert, copying rounded", (o, s) => o.Device.Convert(o.Rounded(s.Rows, s.Columns, 3, (_, _) => o.Normal()), o.Rounded(s.Rows, s.Columns, 1, (_, _) => 0)), tolerance: 0),
        .. CaseShapes.Features.EachOfOperands("AddColumnSums", (o, s) => o.Device.AddColumnSums(o.Operand(s), o.Vector(s.Columns)), CaseShapes.Sums),
    ];

    private static IEnumerable<DeviceCase> MatMul((int M, int K, int N) s)
    {
        foreach (Accumulation accumulation in Enum.GetValues<Accumulation>())
        {
            foreach ((bool a, bool b) in new[] { (false, false), (true, false), (false, true), (true, true) })
            {
                string shape = $"{s.M}×{s.K}{(a ? "ᵀ" : "")} · {s.K}×{s.N}{(b ? "ᵀ" : "")} {accumulation}";
                yield return new($"MatMul {shape}", CaseShapes.Sums, o =>
                {
                    Matrix left = a ? o.Operand(s.K, s.M, 3).T : o.Operand(s.M, s.K, 1), right = b ? o.Operand(s.N, s.K, 2).T : o.Operand(s.K, s.N);
                    o.Device.MatMul(left, right, o.Matrix(s.M, s.N, 5), accumulation);
                }, HasOperands: true);
            }
        }
    }

    private static void GroupedMatMul(CaseOperands o)
    {
        MatrixProduct Product(int m, int k, int n) => new(o.Operand(m, k), o.Operand(k, n, 1), o.Matrix(m, n));
        o.Device.GroupedMatMul([Product(4, 9, 5), Product(0, 9, 5), Product(17, 3, 8)], Accumulation.Add);
    }

    private static void GroupedWeightGradient(CaseOperands o, Accumulation accumulation)
    {
        WeightGradient Gradient(int rows, int a, int b, int first, int count) =>
            new(o.Operand(rows, a, 1), o.Operand(rows, b), o.Matrix(a, b, 2), first, count, accumulation);
        o.Device.GroupedWeightGradient([Gradient(12, 5, 7, 0, 3), Gradient(0, 3, 3, 3, 2), Gradient(9, 4, 2, 5, 1)], [5, 0, 7, 0, 0, 9]);
    }

    /// <summary>Numbers between two of bfloat16 and halfway between them, very large and very small ones, and what is no number.</summary>
    private static Matrix Ties(CaseOperands o, CaseShape s) => o.Matrix(s.Rows, s.Columns, s.Gap, (_, _) => o.Random.Next(8) switch
    {
        0 => 1f + o.Random.Next(64) / 256f,
        1 => -(1f + o.Random.Next(64) / 256f),
        2 => o.Random.Next(4) switch
        {
            0 => float.NaN,
            1 => float.PositiveInfinity,
            2 => float.MaxValue,
            _ => float.NegativeInfinity,
        },
        3 => float.Epsilon * o.Random.Next(1 << 20),
        4 => -0f,
        _ => o.Normal(),
    });
}
