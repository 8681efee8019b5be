namespace MoEActors.Native.Memory;

/// <summary>
/// A view of fp32 elements as rows and columns. Element (i, j) lies at <c>i·Stride + j</c>, or at <c>j·Stride + i</c> when
/// the view is transposed. Views never own memory.
/// </summary>
public readonly record struct Matrix
{
    /// <summary>A row-major view of <paramref name="rows"/> × <paramref name="columns"/> elements, rows <paramref name="stride"/> apart.</summary>
    /// <exception cref="ArgumentException">The data are shorter than the shape needs.</exception>
    public Matrix(DeviceSpan<float> data, int rows, int columns, int stride)
    {
        if (rows > 0 && columns > 0 && (stride < columns || (rows - 1L) * stride + columns > data.LongLength))
        {
            throw new ArgumentException($"A {rows}×{columns} matrix with rows {stride} apart does not fit in {data.LongLength} elements.", nameof(data));
        }

        Data = data;
        Rows = rows;
        Columns = columns;
        Stride = stride;
    }

    /// <summary>A dense row-major view.</summary>
    public Matrix(DeviceSpan<float> data, int rows, int columns)
        : this(data, rows, columns, columns) { }

    /// <summary>The elements, starting at (0, 0).</summary>
    public DeviceSpan<float> Data { get; private init; }

    /// <summary>Number of rows of the view.</summary>
    public int Rows { get; private init; }

    /// <summary>Number of columns of the view.</summary>
    public int Columns { get; private init; }

    /// <summary>Elements from one stored row to the next.</summary>
    public int Stride { get; private init; }

    /// <summary>True when stored rows are the view's columns.</summary>
    public bool IsTransposed { get; private init; }

    /// <summary>The same elements with rows and columns exchanged.</summary>
    public Matrix T => this with { Rows = Columns, Columns = Rows, IsTransposed = !IsTransposed };

    /// <summary>The shape, in words. (A record would print all its properties, its transpose among them, and that one's transpose, without end.)</summary>
    public override string ToString() => $"{Rows}×{Columns}";

    /// <summary>The <paramref name="count"/> rows from <paramref name="start"/> on, of a view that is not transposed.</summary>
    public Matrix SliceRows(int start, int count) =>
        new(count == 0 ? default : Data.Slice((long)start * Stride), count, Columns, Stride);

    /// <summary>The <paramref name="count"/> columns from <paramref name="start"/> on, of a view that is not transposed.</summary>
    public Matrix SliceColumns(int start, int count) => new(Rows == 0 ? default : Data.Slice(start), Rows, count, Stride);
}

/// <summary>What an operation does with what its output held before.</summary>
public enum Accumulation
{
    /// <summary>The result replaces it.</summary>
    Store,

    /// <summary>The result, complete, is added to it by one rounded addition.</summary>
    Add,
}
