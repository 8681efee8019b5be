using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>
/// Every operation of <see cref="IDevice"/> on awkward shapes: no row and one row, rows that are no multiple of a warp, rows with gaps, choices of −1,
/// masked targets, padding. Each runs on a reference, the CPU, and on another device, and the results are compared.
/// </summary>
public static class DeviceComparison
{
    /// <summary>A result in bfloat16 is off by half of the last of its eight bits, and where the number before it was near a tie, by all of it.</summary>
    private const double Rounding = 1.0 / 128;

    /// <summary>All cases.</summary>
    public static IReadOnlyList<DeviceCase> Cases { get; } =
    [
        .. MatrixCases.All, .. LayerCases.All, .. ActivationCases.All, .. AttentionCases.All, .. RoutingCases.All, .. GateCases.All, .. RandomCases.All,
        .. SlotCases.All, .. OptimizerCases.All,
    ];

    /// <summary>Runs a case on both devices.</summary>
    /// <param name="deviceCase">The case.</param>
    /// <param name="reference">What is right.</param>
    /// <param name="device">What is compared with it.</param>
    public static DeviceDifference Compare(DeviceCase deviceCase, IDevice reference, IDevice device)
    {
        ArgumentNullException.ThrowIfNull(deviceCase);
        ArgumentNullException.ThrowIfNull(device);
        IReadOnlyList<CaseResult> expected = Run(deviceCase, reference, device.OperandType), found = Run(deviceCase, device, device.OperandType);
        double largest = 0;
        string where = "";
        for (int operand = 0; operand < expected.Count; operand++)
        {
            Array values = expected[operand].Values;
            bool rounds = found[operand].IsRounded && device.OperandType == ElementType.BF16 && deviceCase.HasOperands && reference.OperandType == ElementType.F32;
            double tolerance = rounds ? Math.Max(deviceCase.Tolerance, Rounding) : deviceCase.Tolerance;
            for (int i = 0; i < values.Length; i++)
            {
                object right = values.GetValue(i)!, value = found[operand].Values.GetValue(i)!;
                double difference = Difference(right, value, tolerance);
                largest = Math.Max(largest, difference);
                if (where.Length == 0 && !(difference <= Allowed(right, tolerance)))
                {
                    where = string.Create(
                        System.Globalization.CultureInfo.InvariantCulture, $"operand {operand}, element {i}: {value:R} instead of {right:R}");
                }
            }
        }

        return new DeviceDifference(deviceCase.Name, largest, deviceCase.Tolerance, where);
    }

    private static IReadOnlyList<CaseResult> Run(DeviceCase deviceCase, IDevice device, ElementType operandType)
    {
        using var operands = new CaseOperands(device, deviceCase.Name.Length, operandType);
        deviceCase.Run(operands);
        return operands.Read();
    }

    private static double Allowed(object right, double tolerance) => right is int ? 0 : tolerance;

    private static double Difference(object right, object value, double tolerance) => (right, value) switch
    {
        (int a, int b) => a == b ? 0 : double.PositiveInfinity,
        (float a, float b) when tolerance == 0 => SameBits(a, b) ? 0 : double.PositiveInfinity,
        (float a, float b) => Relative(a, b),
        (double a, double b) => Relative(a, b),
        _ => double.PositiveInfinity,
    };

    /// <summary>Which of several payloads a NaN carries is left open.</summary>
    private static bool SameBits(float a, float b) =>
        BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    private static double Relative(double right, double value)
    {
        if (right.Equals(value) || right == value)
        {
            return 0;
        }

        double difference = Math.Abs(right - value) / Math.Max(1, Math.Abs(right));
        return double.IsNaN(difference) || double.IsInfinity(right) ? double.PositiveInfinity : difference;
    }
}
