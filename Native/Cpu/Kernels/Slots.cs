using System.Runtime.CompilerServices;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>An order of rows by keys: what they are ordered by in the upper half, the row in the lower, so that no two are equal.</summary>
internal static unsafe class RowOrder
{
    /// <summary>The best score descending. Scores are not negative, so their bits are in their order; a NaN's are above them.</summary>
    public static ulong ScoreKey(float* scores, int k, int row)
    {
        float best = 0f;
        for (int j = 0; j < k; j++)
        {
            best = MathF.Max(best, scores[j]);
        }

        uint bits = float.IsNaN(best) ? uint.MaxValue : BitConverter.SingleToUInt32Bits(best);
        return (ulong)~bits << 32 | (uint)row;
    }

    /// <summary>A random number ascending.</summary>
    public static ulong ChanceKey(ulong key, int row) => CounterRandom.Next(key, (ulong)row) & 0xFFFFFFFF00000000 | (uint)row;

    /// <summary>Writes the rows in the order of their keys.</summary>
    public static void Sort(Span<ulong> keys, int* order)
    {
        keys.Sort();
        for (int i = 0; i < keys.Length; i++)
        {
            order[i] = (int)(uint)keys[i];
        }
    }
}

/// <summary>Serves choices one after the other.</summary>
internal readonly unsafe struct SlotKernel(
    DeviceSpan<int> choices, int k, int capacity, DeviceSpan<int> order, DeviceSpan<int> kept, SlotCounts counts)
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int rows)
    {
        counts.All.AsSpan().Clear();
        int* keptTokens = counts.Kept.Pointer, chosenTokens = counts.Chosen.Pointer, choice = choices.Pointer, flag = kept.Pointer;
        bool ordered = !order.IsEmpty;
        for (int j = 0; j < k; j++)
        {
            for (int place = 0; place < rows; place++)
            {
                nint i = (nint)(ordered ? order.Pointer[place] : place) * k + j;
                int expert = choice[i];
                bool fits = expert >= 0 && keptTokens[expert] < capacity;
                flag[i] = fits ? 1 : 0;
                if (expert >= 0)
                {
                    chosenTokens[expert]++;
                    keptTokens[expert] += flag[i];
                }
            }

            if (j == 0)
            {
                counts.Chosen.AsSpan().CopyTo(counts.FirstChoices.AsSpan());
            }
        }

        *counts.RoutedTokens.Pointer = Routed(rows);
    }

    [MethodImpl(Compilation.AtOnce)]
    private int Routed(int rows)
    {
        int routed = 0;
        for (int row = 0; row < rows; row++)
        {
            int any = 0;
            for (int j = 0; j < k; j++)
            {
                any |= kept.Pointer[(nint)row * k + j];
            }

            routed += any;
        }

        return routed;
    }
}

/// <summary>The rows of a permuted buffer, handed out expert by expert from segment to segment.</summary>
internal readonly ref struct RowPlaces
{
    private const int None = -1;

    private readonly ReadOnlySpan<int> _lengths;

    // By expert: the segment that is being filled, its next row, and its end.
    private readonly Span<int> _segment;
    private readonly Span<int> _next;
    private readonly Span<int> _end;

    // By segment: its first row and, of the same expert, the segment after it.
    private readonly Span<int> _first;
    private readonly Span<int> _following;

    /// <summary>Puts every expert at its first segment that has rows, and links the others behind it.</summary>
    public RowPlaces(ReadOnlySpan<int> experts, ReadOnlySpan<int> lengths, int count, Span<int> scratch)
    {
        _lengths = lengths;
        _segment = scratch[..count];
        _next = scratch.Slice(count, count);
        _end = scratch.Slice(2 * count, count);
        _first = scratch.Slice(3 * count, lengths.Length);
        _following = scratch.Slice(3 * count + lengths.Length, lengths.Length);
        _segment.Fill(None);
        _next.Clear();
        _end.Clear();
        int first = 0;
        foreach (int length in lengths)
        {
            first += length;
        }

        for (int i = lengths.Length - 1; i >= 0; i--)
        {
            first -= lengths[i];
            if (lengths[i] > 0)
            {
                _first[i] = first;
                _following[i] = _segment[experts[i]];
                Enter(experts[i], i);
            }
        }
    }

    /// <summary>Experts that segments are of: one more than the highest.</summary>
    public static int ExpertsOf(ReadOnlySpan<int> segmentExperts)
    {
        int last = -1;
        foreach (int expert in segmentExperts)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(expert, nameof(segmentExperts));
            last = Math.Max(last, expert);
        }

        return last + 1;
    }

    /// <summary>Integers of working memory.</summary>
    public static int ScratchFor(int experts, int segments) => checked(3 * experts + 2 * segments);

    /// <summary>The next row of an expert; −1 when its segments are full.</summary>
    public int Next(int expert)
    {
        if ((uint)expert >= (uint)_next.Length || _next[expert] == _end[expert])
        {
            return None;
        }

        int row = _next[expert]++;
        if (row + 1 == _end[expert] && _following[_segment[expert]] is not None and int following)
        {
            Enter(expert, following);
        }

        return row;
    }

    private void Enter(int expert, int segment)
    {
        _segment[expert] = segment;
        _next[expert] = _first[segment];
        _end[expert] = _first[segment] + _lengths[segment];
    }
}
