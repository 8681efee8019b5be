using MoEActors.Native;

namespace MoEActors.Benchmarks.Devices;

/// <summary>
/// Every operation of <see cref="IDevice"/> on awkward shapes: no row and one row, rows that are no multiple of a warp, rows with gaps, choices of −1,
/// masked targets, padding. Each runs on a reference, the CPU, and on another device, and the results are compared.
/// </summary>
public static class DeviceComparison
{
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
        IReadOnlyList<Array> expected = Run(deviceCase, reference), found = Run(deviceCase, device);
        double largest = 0;
        string where = "";
        for (int operand = 0; operand < expected.Count; operand++)
        {
            for (int i = 0; i < expected[operand].Length; i++)
            {
                object right = expected[operand].GetValue(i)!, value = found[operand].GetValue(i)!;
                double difference = Difference(right, value, deviceCase.Tolerance);
                largest = Math.Max(largest, difference);
                if (where.Length == 0 && !(difference <= Allowed(right, deviceCase.Tolerance)))
                {
                    where = string.Create(
                        System.Globalization.CultureInfo.InvariantCulture, $"operand {operand}, element {i}: {value:R} instead of {right:R}");
                }
            }
        }

        return new DeviceDifference(deviceCase.Name, largest, deviceCase.Tolerance, where);
    }

    private static IReadOnlyList<Array> Run(DeviceCase deviceCase, IDevice device)
    {
        using var operands = new CaseOperands(device, deviceCase.Name.Length);
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
