using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>Checks of the operands of attention, alike on every device.</summary>
internal static class AttentionOperands
{
    /// <summary>The operands of a rotary embedding.</summary>
    public static void Rotary(in Matrix x, in Matrix cosines, in Matrix sines, int sequenceLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);
        Operands.RowMajor(x);
        Operands.SameShape(sines, cosines);
        if (cosines.Columns == 0 || x.Columns % (2 * cosines.Columns) != 0)
        {
            throw new ArgumentException(
                $"'{nameof(x)}' is {x.Rows}×{x.Columns}, but '{nameof(cosines)}' is {cosines.Rows}×{cosines.Columns}: " +
                "heads have twice the tables' columns.", nameof(x));
        }

        if (cosines.Rows < Math.Min(x.Rows, sequenceLength))
        {
            throw new ArgumentException(
                $"'{nameof(cosines)}' is {cosines.Rows}×{cosines.Columns}, but '{nameof(x)}', {x.Rows}×{x.Columns}, has rows at " +
                $"{Math.Min(x.Rows, sequenceLength)} positions.", nameof(cosines));
        }
    }

    /// <summary>What attention and its gradient have in common; the values of <paramref name="firstKeys"/> are not looked at.</summary>
    public static void Check(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);

        // A negative scale would turn the largest score into the smallest.
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        if (shape.Heads < 1 || shape.KeyValueHeads < 1 || shape.HeadDim < 1 || shape.Heads % shape.KeyValueHeads != 0)
        {
            throw new ArgumentException(
                $"{shape.Heads} heads of {shape.HeadDim} features cannot share {shape.KeyValueHeads} key and value heads.", nameof(shape));
        }

        Operands.HasShape(queries, queries.Rows, shape.QueryColumns);
        Operands.HasShape(keys, queries.Rows, shape.KeyColumns);
        Operands.HasShape(values, queries.Rows, shape.KeyColumns);
        if (queries.Rows % sequenceLength != 0)
        {
            throw new ArgumentException($"{queries.Rows} rows are not whole sequences of {sequenceLength}.", nameof(queries));
        }

        Operands.HasLengthOrIsEmpty(firstKeys, queries.Rows);
    }
}
