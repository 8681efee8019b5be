using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>Checks of the operands of products, alike on every device.</summary>
internal static class ProductShapes
{
    /// <summary>A product fits.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    public static void Check(in Matrix a, in Matrix b, in Matrix c)
    {
        if (a.Columns != b.Rows || a.Rows != c.Rows || b.Columns != c.Columns)
        {
            throw new ArgumentException(
                $"A {a.Rows}×{a.Columns} matrix times a {b.Rows}×{b.Columns} one does not give a {c.Rows}×{c.Columns} one.");
        }

        if (a.Element != b.Element || (c.Element != ElementType.F32 && c.Element != a.Element))
        {
            throw new ArgumentException(
                $"A product of {a.Element} by {b.Element} elements that gives {c.Element} ones: operands have one type, and the result has it too or is F32.");
        }

        if (c.IsTransposed)
        {
            throw new ArgumentException("The result of a product cannot be a transposed view; exchange and transpose the operands.");
        }
    }

    /// <summary>A weight gradient fits, and its segments are there and add up.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public static void Check(in WeightGradient product, ReadOnlySpan<int> segmentLengths)
    {
        Check(product.X.T, product.Y, product.Gradient);
        if (product.FirstSegment < 0 || product.SegmentCount < 0 || product.SegmentCount > segmentLengths.Length - product.FirstSegment)
        {
            throw new ArgumentException(
                $"Segments {product.FirstSegment} to {(long)product.FirstSegment + product.SegmentCount} are outside of the {segmentLengths.Length} lengths given.",
                nameof(segmentLengths));
        }

        CheckSegments(segmentLengths.Slice(product.FirstSegment, product.SegmentCount), product.X.Rows);
    }

    /// <summary>Segments are there and add up.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    public static void CheckSegments(ReadOnlySpan<int> segmentLengths, int rows)
    {
        long sum = 0;
        foreach (int length in segmentLengths)
        {
            if (length < 0)
            {
                throw new ArgumentException($"A segment of {length} rows.", nameof(segmentLengths));
            }

            sum += length;
        }

        if (sum != rows)
        {
            throw new ArgumentException($"Segments of {sum} rows in all do not make {rows} rows.", nameof(segmentLengths));
        }
    }
}
