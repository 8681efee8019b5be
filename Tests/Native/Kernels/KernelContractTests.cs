using FsCheck;
using FsCheck.Fluent;

namespace MoEActors.Tests.Native.Kernels;

/// <summary>Rule 3 of the kernel contract: the bits of an output row depend on nothing but its inputs.</summary>
public class KernelContractTests
{
    private static readonly RowLayout Plain = new(1, 0, 0);

    public static TheoryData<string> Operations => [.. RowOperations.All.Keys];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Rows_are_the_same_alone_and_in_a_batch_anywhere(string name)
    {
        Arbitrary<(int Columns, int Gap, int Shift)> shapes = (
            from columns in Gen.Choose(RowCase.Choices, 90)
            from gap in Gen.Choose(0, 20)
            from shift in Gen.Choose(0, 15)
            select (columns, gap, shift)).ToArbitrary();
        Prop.ForAll(shapes, shape => RowsAgree(name, 3 * RowCase.Position, shape.Columns, new RowLayout(1, shape.Gap, shape.Shift)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(12).WithQuietOnSuccess(true));
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void Rows_are_the_same_with_any_number_of_threads(string name)
    {
        const int Rows = 96 * RowCase.Position, Columns = 203;
        float[][,] one = Run(name, 0, Rows, Columns, Plain);
        foreach (int threads in new[] { 2, 3 })
        {
            float[][,] several = Run(name, 0, Rows, Columns, new RowLayout(threads, 1, 5));
            for (int i = 0; i < one.Length; i++)
            {
                Values.AssertSameBits(one[i], several[i], $"{name}, {threads} threads, operand {i}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void No_rows_are_no_trouble(string name) => Run(name, 0, 0, 24, Plain);

    private static void RowsAgree(string name, int rows, int columns, RowLayout layout)
    {
        float[][,] batch = Run(name, 0, rows, columns, layout);
        for (int first = 0; first < rows; first += RowCase.Position)
        {
            float[][,] alone = Run(name, first, RowCase.Position, columns, Plain);
            for (int i = 0; i < alone.Length; i++)
            {
                Values.AssertSameBits(alone[i], Slice(batch[i], first), $"{name}, {columns} columns, operand {i}, rows from {first}");
            }
        }
    }

    private static float[][,] Run(string name, int first, int rows, int columns, RowLayout layout)
    {
        using var operands = new RowCase(name.Length, first, rows, columns, layout);
        RowOperations.All[name](operands);
        return operands.Read();
    }

    private static float[,] Slice(float[,] values, int first)
    {
        var part = new float[RowCase.Position, values.GetLength(1)];
        Array.Copy(values, first * part.GetLength(1), part, 0, part.Length);
        return part;
    }
}
