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
        new("GroupedMatMul of three shapes", CaseShapes.Close, GroupedMatMul),
        new("GroupedWeightGradient with empty segments", CaseShapes.Close, o => GroupedWeightGradient(o, Accumulation.Add)),
        new("GroupedWeightGradient stored", CaseShapes.Close, o => GroupedWeightGradient(o, Accumulation.Store)),
        .. CaseShapes.Features.Each("AddColumnSums", (o, s) => o.Device.AddColumnSums(o.Matrix(s), o.Vector(s.Columns)), CaseShapes.Sums),
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
                    Matrix left = a ? o.Matrix(s.K, s.M, 3).T : o.Matrix(s.M, s.K, 1), right = b ? o.Matrix(s.N, s.K, 2).T : o.Matrix(s.K, s.N);
                    o.Device.MatMul(left, right, o.Matrix(s.M, s.N, 5), accumulation);
                });
            }
        }
    }

    private static void GroupedMatMul(CaseOperands o)
    {
        MatrixProduct Product(int m, int k, int n) => new(o.Matrix(m, k), o.Matrix(k, n, 1), o.Matrix(m, n));
        o.Device.GroupedMatMul([Product(4, 9, 5), Product(0, 9, 5), Product(17, 3, 8)], Accumulation.Add);
    }

    private static void GroupedWeightGradient(CaseOperands o, Accumulation accumulation)
    {
        WeightGradient Gradient(int rows, int a, int b, int first, int count) =>
            new(o.Matrix(rows, a, 1), o.Matrix(rows, b), o.Matrix(a, b, 2), first, count, accumulation);
        o.Device.GroupedWeightGradient([Gradient(12, 5, 7, 0, 3), Gradient(0, 3, 3, 3, 2), Gradient(9, 4, 2, 5, 1)], [5, 0, 7, 0, 0, 9]);
    }
}
