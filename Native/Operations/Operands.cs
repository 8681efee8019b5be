using System.Runtime.CompilerServices;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>
/// Checks of operands, alike on every device. Kernels do not check shapes themselves: a mistake must be reported here, by name, before a
/// kernel reads or writes memory outside the operand.
/// </summary>
internal static class Operands
{
    /// <summary>Rows are stored one after the other.</summary>
    public static void RowMajor(in Matrix matrix, [CallerArgumentExpression(nameof(matrix))] string name = "")
    {
        if (matrix.IsTransposed)
        {
            throw new ArgumentException($"'{name}', {matrix}, is a transposed view; this operation needs stored rows.", name);
        }
    }

    /// <summary>Both are row-major and of one shape.</summary>
    public static void SameShape(
        in Matrix matrix, in Matrix reference, [CallerArgumentExpression(nameof(matrix))] string name = "",
        [CallerArgumentExpression(nameof(reference))] string referenceName = "")
    {
        RowMajor(matrix, name);
        RowMajor(reference, referenceName);
        if (matrix.Rows != reference.Rows || matrix.Columns != reference.Columns)
        {
            throw new ArgumentException($"'{name}' is {matrix}, but '{referenceName}' is {reference}.", name);
        }
    }

    /// <summary>A row-major matrix has <paramref name="rows"/> rows and <paramref name="columns"/> columns.</summary>
    public static void HasShape(in Matrix matrix, int rows, int columns, [CallerArgumentExpression(nameof(matrix))] string name = "")
    {
        RowMajor(matrix, name);
        if (matrix.Rows != rows || matrix.Columns != columns)
        {
            throw new ArgumentException($"'{name}' is {matrix}, but the other operands ask for {rows}×{columns}.", name);
        }
    }

    /// <summary>A span has exactly <paramref name="length"/> elements.</summary>
    public static void HasLength<T>(DeviceSpan<T> span, long length, [CallerArgumentExpression(nameof(span))] string name = "")
        where T : unmanaged
    {
        if (span.Length != length)
        {
            throw new ArgumentException($"'{name}' has {span.Length} elements, but the other operands ask for {length}.", name);
        }
    }

    /// <summary>A span has exactly <paramref name="length"/> elements, or is left out.</summary>
    public static void HasLengthOrIsEmpty<T>(DeviceSpan<T> span, long length, [CallerArgumentExpression(nameof(span))] string name = "")
        where T : unmanaged
    {
        if (!span.IsEmpty)
        {
            HasLength(span, length, name);
        }
    }

    /// <summary>
    /// Every index is at least <paramref name="lowest"/> and below <paramref name="limit"/>. Only where the host can address them: to wait for a GPU's
    /// would cost more than the operation.
    /// </summary>
    public static void InRange(DeviceSpan<int> indices, int lowest, int limit, [CallerArgumentExpression(nameof(indices))] string name = "")
    {
        ReadOnlySpan<int> values = indices.AsSpan();
        int outside = limit > lowest ? values.IndexOfAnyExceptInRange(lowest, limit - 1) : values.Length - 1;
        if (outside >= 0)
        {
            throw new ArgumentException($"'{name}'[{outside}] is {values[outside]}; it must be at least {lowest} and below {limit}.", name);
        }
    }

    /// <summary>Columns make groups of one size, of which some are kept.</summary>
    public static void Groups(in Matrix scores, int groups, int kept)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kept, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(kept, groups);
        if (scores.Columns % groups != 0)
        {
            throw new ArgumentException($"{scores.Columns} columns do not make {groups} groups of one size.", nameof(groups));
        }
    }

    /// <summary>The operands of the smooth load.</summary>
    public static void SmoothLoad(in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation)
    {
        SameShape(noisy, logits);
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        HasLength(choices, (long)logits.Rows * k);
    }
}
