using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// The best rows of each column. A column becomes whole numbers in the order of its scores; the smallest of the chosen is
/// found by halving the range of numbers, always in 32 counts; then rows are taken in order.
/// </summary>
internal readonly unsafe struct TopRowsKernel(Matrix scores, DeviceSpan<int> valid, int count, DeviceSpan<int> keys, DeviceSpan<int> rows)
    : IRowKernel
{
    /// <summary>Times that a column is read.</summary>
    public const int Passes = 34;

    /// <summary>Below the number of every score.</summary>
    private const int NoPart = int.MinValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int column)
    {
        int* key = keys.Pointer + (nint)column * scores.Rows;
        for (int row = 0; row < scores.Rows; row++)
        {
            key[row] = valid.IsEmpty || valid.Pointer[row] != 0 ? Key(scores.Row(row)[column]) : NoPart;
        }

        Emit(key, Smallest(key), rows.Pointer + (nint)column * count);
    }

    /// <summary>The largest number that as many keys as wanted reach, or the least of all where keys do not suffice.</summary>
    [MethodImpl(Compilation.AtOnce)]
    private int Smallest(int* key)
    {
        long low = NoPart + 1L, high = int.MaxValue;
        while (low < high)
        {
            long middle = low + (high - low + 1) / 2;
            if (CountFrom(key, (int)middle) >= count)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return (int)low;
    }

    [MethodImpl(Compilation.AtOnce)]
    private int CountFrom(int* key, int least)
    {
        Vector512<int> found = Vector512<int>.Zero, limit = Vector512.Create(least);
        int row = 0;
        for (; row <= scores.Rows - Lanes.Count; row += Lanes.Count)
        {
            found -= Vector512.GreaterThanOrEqual(Vector512.Load(key + row), limit);
        }

        int sum = Vector512.Sum(found);
        for (; row < scores.Rows; row++)
        {
            sum += key[row] >= least ? 1 : 0;
        }

        return sum;
    }

    private void Emit(int* key, int smallest, int* to)
    {
        int ties = count - (smallest == int.MaxValue ? 0 : CountFrom(key, smallest + 1));
        int next = 0;
        for (int row = 0; row < scores.Rows && next < count; row++)
        {
            if (key[row] > smallest || (key[row] == smallest && ties-- > 0))
            {
                to[next++] = row;
            }
        }

        new Span<int>(to + next, count - next).Fill(-1);
    }

    /// <summary>A whole number in the order of floats; both zeros are one.</summary>
    private static int Key(float score)
    {
        int bits = BitConverter.SingleToInt32Bits(float.IsNaN(score) ? float.NegativeInfinity : score + 0f);
        return bits ^ ((bits >> 31) & int.MaxValue);
    }
}
