namespace MoEActors.Native.Cuda.Kernels;

/// <summary>What the kernels of slots are told about the segments of a permuted buffer.</summary>
internal static class SlotTable
{
    /// <summary>Choices that one warp numbers: SERVED_CHUNK of slots.cu.</summary>
    public const int Chunk = 256;

    /// <summary>Chunks of so many choices.</summary>
    public static int Chunks(int choices) => (int)((choices + (long)Chunk - 1) / Chunk);

    /// <summary>
    /// By expert the number of its first segment, and one more at the end; then by segment, expert by expert and within one in order, how many rows the
    /// expert's segments before it have, its first row in the buffer, and its length.
    /// </summary>
    /// <param name="segmentExperts">By segment: its expert.</param>
    /// <param name="segmentLengths">By segment: its rows.</param>
    /// <param name="experts">One more than the highest expert.</param>
    /// <exception cref="ArgumentOutOfRangeException">An expert below 0.</exception>
    public static int[] Of(ReadOnlySpan<int> segmentExperts, ReadOnlySpan<int> segmentLengths, out int experts)
    {
        int last = -1;
        foreach (int expert in segmentExperts)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(expert, nameof(segmentExperts));
            last = Math.Max(last, expert);
        }

        experts = last + 1;
        int count = segmentLengths.Length;
        int[] table = new int[experts + 1 + 3 * count], rows = new int[experts], next = new int[experts];
        foreach (int expert in segmentExperts)
        {
            table[expert + 1]++;
        }

        for (int expert = 0; expert < experts; expert++)
        {
            next[expert] = table[expert];
            table[expert + 1] += table[expert];
        }

        int first = 0;
        for (int segment = 0; segment < count; segment++)
        {
            int expert = segmentExperts[segment], place = experts + 1 + next[expert]++;
            (table[place], table[place + count], table[place + 2 * count]) = (rows[expert], first, segmentLengths[segment]);
            rows[expert] += segmentLengths[segment];
            first += segmentLengths[segment];
        }

        return table;
    }
}
