using MoEActors.Native.Operations;

namespace MoEActors.Benchmarks.Devices;

/// <summary>The update of parameters.</summary>
internal static class OptimizerCases
{
    /// <summary>Squares of floats are exact in double.</summary>
    private const double SumsInDouble = 1e-12;

    private static readonly int[] Lengths = [0, 1, 7, 4096, 9001];

    public static IEnumerable<DeviceCase> All => Lengths.SelectMany(Update);

    private static IEnumerable<DeviceCase> Update(int length)
    {
        yield return new($"SumOfSquares {length}", SumsInDouble, o => o.Device.SumOfSquares(o.Vector(length), o.Doubles(1)));
        foreach (long step in new[] { 1L, 1000L })
        {
            var update = new AdamWUpdate(1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.5f, step);
            yield return new($"AdamW {length}, step {step}", CaseShapes.Close, o => o.Device.AdamW(
                update, o.Vector(length), o.Vector(length), o.Vector(length), o.Floats([.. Enumerable.Range(0, length).Select(_ => o.Random.NextSingle())])));
        }
    }
}
