using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Random numbers by counter: uniform factors have the same bits everywhere.</summary>
internal static class RandomCases
{
    private const ulong Key = 0x1234_5678_9ABC_DEF0;

    public static IEnumerable<DeviceCase> All =>
    [
        .. CaseShapes.Features.Each("AddNormal", (o, s) => o.Device.AddNormal(o.Matrix(s), Key, 0.7f)),
        .. CaseShapes.Features.Each(
            "MultiplyUniform", (o, s) => o.Device.MultiplyUniform(o.Matrix(s), Key, 0.01f, o.Matrix(s), Accumulation.Store), tolerance: 0),
        .. CaseShapes.Features.Each("MultiplyUniform added", (o, s) => o.Device.MultiplyUniform(o.Matrix(s), Key, 0.3f, o.Matrix(s), Accumulation.Add)),
    ];
}
