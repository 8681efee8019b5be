using System.Globalization;

namespace MoEActors.Benchmarks.Devices;

/// <summary>A shape of the operands of a case.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
/// <param name="Gap">Elements between rows.</param>
internal readonly record struct CaseShape(int Rows, int Columns, int Gap)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Rows}×{Columns}{(Gap == 0 ? "" : $"+{Gap}")}");
}

/// <summary>Shapes on which operations are tried, and the making of cases.</summary>
internal static class CaseShapes
{
    /// <summary>What rounding of sums and of elementary functions may add up to.</summary>
    public const double Close = 1e-5;

    /// <summary>The same where hundreds of terms of either sign are added in another order: they may cancel, and their rounding does not.</summary>
    public const double Sums = 4e-5;

    /// <summary>
    /// Of rows of features: none, one, fewer columns than a warp has threads, odd strides, several vectors a thread, more than a block takes at once.
    /// </summary>
    public static IReadOnlyList<CaseShape> Features { get; } =
        [new(0, 24, 0), new(1, 1, 0), new(3, 7, 0), new(37, 33, 3), new(5, 128, 4), new(130, 64, 0), new(260, 200, 1), new(2, 3001, 0)];

    /// <summary>Of the scores of experts.</summary>
    public static IReadOnlyList<CaseShape> Scores { get; } =
        [new(0, 8, 0), new(1, 4, 0), new(9, 8, 0), new(37, 12, 3), new(300, 64, 0), new(70, 160, 1)];

    /// <summary>A case for each shape.</summary>
    public static IEnumerable<DeviceCase> Each(
        this IReadOnlyList<CaseShape> shapes, string name, Action<CaseOperands, CaseShape> run, double tolerance = Close, bool hasOperands = false) =>
        shapes.Select(shape => new DeviceCase($"{name} {shape}", tolerance, operands => run(operands, shape), hasOperands));

    /// <summary>A case for each shape, of an operation around products: it takes whatever elements the device multiplies.</summary>
    public static IEnumerable<DeviceCase> EachOfOperands(
        this IReadOnlyList<CaseShape> shapes, string name, Action<CaseOperands, CaseShape> run, double tolerance = Close) =>
        shapes.Each(name, run, tolerance, hasOperands: true);

    /// <summary>A matrix of the shape, as products take it.</summary>
    public static Native.Memory.Matrix Operand(this CaseOperands operands, CaseShape shape, float scale = 1f) =>
        operands.Operand(shape.Rows, shape.Columns, shape.Gap, scale);

    /// <summary>A matrix of the shape.</summary>
    public static Native.Memory.Matrix Matrix(this CaseOperands operands, CaseShape shape, float scale = 1f) =>
        operands.Matrix(shape.Rows, shape.Columns, shape.Gap, scale);
}
