namespace MoEActors.Native.Memory;

/// <summary>
/// A view of elements as rows and columns. Element (i, j) lies at <c>i·Stride + j</c>, or at <c>j·Stride + i</c> when
/// the view is transposed. Views never own memory.
/// </summary>
public readonly record struct Matrix
{
    /// <summary>A row-major view of <paramref name="rows"/> × <paramref name="columns"/> elements, rows <paramref name="stride"/> apart.</summary>
    /// <exception cref="ArgumentException">The data are shorter than the shape needs.</exception>
    public Matrix(DeviceSpan<float> data, int rows, int columns, int stride)
        : this(data.Address, data.LongLength, ElementType.F32, rows, columns, stride) { }

    /// <summary>A dense row-major view.</summary>
    public Matrix(DeviceSpan<float> data, int rows, int columns)
        : this(data, rows, columns, columns) { }

    private Matrix(nint address, long length, ElementType element, int rows, int columns, int stride)
    {
        if (rows > 0 && columns > 0 && (stride < columns || (rows - 1L) * stride + columns > length))
        {
            throw new ArgumentException($"A {rows}×{columns} matrix with rows {stride} apart does not fit in {length} elements.", nameof(length));
        }

        Address = address;
        Length = length;
        Element = element;
        Rows = rows;
        Columns = columns;
        Stride = stride;
    }

    /// <summary>A row-major view of bfloat16 elements, rows <paramref name="stride"/> apart.</summary>
    /// <exception cref="ArgumentException">The data are shorter than the shape needs.</exception>
    public static Matrix OfRounded(DeviceSpan<BFloat16> data, int rows, int columns, int stride) =>
        new(data.Address, data.LongLength, ElementType.BF16, rows, columns, stride);

    /// <summary>A dense row-major view of bfloat16 elements.</summary>
    /// <exception cref="ArgumentException">The data are shorter than the shape needs.</exception>
    public static Matrix OfRounded(DeviceSpan<BFloat16> data, int rows, int columns) => OfRounded(data, rows, columns, columns);

    /// <summary>Address of element (0, 0) in the device's address space.</summary>
    public nint Address { get; private init; }

    /// <summary>Elements from there on that belong to the view's memory; those between rows are among them.</summary>
    public long Length { get; private init; }

    /// <summary>What the elements are.</summary>
    public ElementType Element { get; private init; }

    /// <summary>The elements, starting at (0, 0), of a view of fp32.</summary>
    /// <exception cref="InvalidOperationException">The elements are of another type.</exception>
    public DeviceSpan<float> Data => Element == ElementType.F32 ? new DeviceSpan<float>(Address, Length) : throw OtherElements(ElementType.F32);

    /// <summary>The elements, starting at (0, 0), of a view of bfloat16.</summary>
    /// <exception cref="InvalidOperationException">The elements are of another type.</exception>
    public DeviceSpan<BFloat16> RoundedData => Element == ElementType.BF16 ? new DeviceSpan<BFloat16>(Address, Length) : throw OtherElements(ElementType.BF16);

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
    /// <exception cref="ArgumentException">The view has no such rows.</exception>
    public Matrix SliceRows(int start, int count) => count == 0 ? From(0, 0, 0, Columns) : From((long)start * Stride, Length - (long)start * Stride, count, Columns);

    /// <summary>The <paramref name="count"/> columns from <paramref name="start"/> on, of a view that is not transposed.</summary>
    /// <exception cref="ArgumentException">The view has no such columns.</exception>
    public Matrix SliceColumns(int start, int count) => Rows == 0 ? From(0, 0, 0, count) : From(start, Length - start, Rows, count);

    /// <summary>What has no gaps between its rows, as another shape of as many elements.</summary>
    /// <exception cref="ArgumentException">The elements do not suffice.</exception>
    public Matrix Reshape(int rows, int columns) => new(Address, Length, Element, rows, columns, columns);

    private Matrix From(long offset, long length, int rows, int columns) => offset < 0
        ? throw new ArgumentOutOfRangeException(nameof(offset), offset, "Rows and columns are counted from 0.")
        : new(Address + (nint)offset * Element.Bytes(), length, Element, rows, columns, Stride);

    private InvalidOperationException OtherElements(ElementType wanted) => new(
        $"A {this} matrix has elements of type {Element}, and this takes {wanted}. IDevice.Convert rounds and widens.");
}

/// <summary>What an operation does with what its output held before.</summary>
public enum Accumulation
{
    /// <summary>The result replaces it.</summary>
    Store,

    /// <summary>The result, complete, is added to it by one rounded addition.</summary>
    Add,
}
