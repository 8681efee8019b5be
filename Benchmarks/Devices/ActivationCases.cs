using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Activations. They are tried on large arguments too: the tails of the normal distribution and of sigmoid.</summary>
internal static class ActivationCases
{
    private const float Wide = 5f;

    public static IEnumerable<DeviceCase> All =>
    [
        .. CaseShapes.Features.EachOfOperands("Gelu", (o, s) => o.Device.Gelu(o.Operand(s, Wide), o.Vector(s.Columns), o.Operand(s))),
        .. CaseShapes.Features.EachOfOperands("Gelu without bias", (o, s) => o.Device.Gelu(o.Operand(s, Wide), default, o.Operand(s))),
        .. CaseShapes.Features.EachOfOperands("GeluGradient", (o, s) => o.Device.GeluGradient(o.Operand(s, Wide), o.Operand(s), o.Operand(s))),
        .. CaseShapes.Features.EachOfOperands("Relu", (o, s) => o.Device.Relu(o.Operand(s), o.Operand(s)), tolerance: 0),
        .. CaseShapes.Features.EachOfOperands("ReluGradient", (o, s) => o.Device.ReluGradient(o.Operand(s), o.Operand(s), o.Operand(s)), tolerance: 0),
        .. CaseShapes.Features.EachOfOperands("SwiGlu", (o, s) => o.Device.SwiGlu(o.Operand(s, Wide), o.Operand(s), o.Operand(s))),
        .. CaseShapes.Features.EachOfOperands(
            "SwiGluGradient", (o, s) => o.Device.SwiGluGradient(o.Operand(s, Wide), o.Operand(s), o.Operand(s), o.Operand(s), o.Operand(s))),
        .. CaseShapes.Features.EachOfOperands("SwiGluGradient in place", SwiGluGradientInPlace),
        .. CaseShapes.Features.Each("SigmoidGradient", (o, s) => o.Device.SigmoidGradient(o.Matrix(s), o.Matrix(s), o.Matrix(s))),
        new("Relu of NaN", 0, o => o.Device.Relu(Special(o), o.Matrix(3, 5))),
        new("Gelu of NaN", CaseShapes.Close, o => o.Device.Gelu(Special(o), default, o.Matrix(3, 5))),
        new("SwiGlu of NaN", CaseShapes.Close, o => o.Device.SwiGlu(Special(o), o.Matrix(3, 5), o.Matrix(3, 5))),
        new("Softmax of NaN", CaseShapes.Close, o => o.Device.Softmax(Special(o), o.Matrix(3, 5), o.Vector(3))),
    ];

    private static void SwiGluGradientInPlace(CaseOperands o, CaseShape s)
    {
        Matrix gate = o.Operand(s), up = o.Operand(s);
        o.Device.SwiGluGradient(gate, up, o.Operand(s), gate, up);
    }

    /// <summary>Rows with a NaN, with −∞, and with very large numbers.</summary>
    private static Matrix Special(CaseOperands o) => o.Matrix(3, 5, 0, (i, j) => (i, j) switch
    {
        (0, 2) => float.NaN,
        (1, 1) => float.NegativeInfinity,
        (2, 0) => 1000f,
        (2, 3) => -1000f,
        _ => o.Normal(),
    });
}
