namespace MoEActors.Client.Data;

/// <summary>Turns windows of text into micro-batches of a byte-level model: a token is a byte.</summary>
public static class ByteBatches
{
    /// <summary>Number of tokens of a byte-level model.</summary>
    public const int Vocabulary = 256;

    /// <summary>Bytes of a step for which nobody asks how much memory there is.</summary>
    private const long Unasked = 1 << 27;

    /// <summary>Micro-batches of random training windows for a step.</summary>
    /// <param name="windows">The windows.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="microBatches">Micro-batches of the step.</param>
    /// <param name="sequences">Sequences of all micro-batches together; divided as evenly as they can be, the first ones getting more.</param>
    /// <exception cref="InvalidRequestException">A micro-batch would have more tokens than an array has elements, or the step more than there is memory for.</exception>
    public static IReadOnlyList<MicroBatch> OfStep(TrainingWindows windows, long step, int microBatches, int sequences)
    {
        ArgumentNullException.ThrowIfNull(windows);
        RequireRoom(sequences, windows.Length, microBatches);
        var batches = new MicroBatch[microBatches];
        int first = 0;
        for (int m = 0; m < microBatches; m++)
        {
            int count = CountOf(m, microBatches, sequences);
            batches[m] = Of([.. Enumerable.Range(first, count).Select(index => windows[step - 1, index])]);
            first += count;
        }

        return batches;
    }

    /// <summary>Sequences of a micro-batch of a step.</summary>
    internal static int CountOf(int microBatch, int microBatches, int sequences) => sequences / microBatches + (microBatch < sequences % microBatches ? 1 : 0);

    /// <summary>Workers refuse what does not fit them, but only when they get it: a step must fit here first.</summary>
    /// <exception cref="InvalidRequestException">It does not.</exception>
    internal static void RequireRoom(int sequences, int length, int microBatches)
    {
        if ((long)sequences / microBatches * length >= Array.MaxLength)
        {
            throw new InvalidRequestException(
                $"{sequences} sequences of {length} tokens are too many for {microBatches} micro-batches: none may have more than {Array.MaxLength} tokens.");
        }

        // Inputs and targets. While one step runs, the next is submitted and the one behind it is made.
        long bytes = (long)sequences * length * 2 * sizeof(int);
        if (bytes > Unasked && bytes > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4)
        {
            throw new InvalidRequestException(
                $"{sequences} sequences of {length} tokens are {bytes >> 20} MiB of token ids for a step, more than a quarter of the memory; make the batch smaller.");
        }
    }

    /// <summary>One micro-batch of windows of equal length; each has one byte more than it has inputs.</summary>
    public static MicroBatch Of(IReadOnlyList<ReadOnlyMemory<byte>> windows)
    {
        ArgumentNullException.ThrowIfNull(windows);
        int length = windows.Count == 0 ? 1 : windows[0].Length - 1;
        int[] inputs = new int[windows.Count * length];
        int[] targets = new int[inputs.Length];
        for (int w = 0; w < windows.Count; w++)
        {
            ReadOnlySpan<byte> bytes = windows[w].Span;
            for (int t = 0; t < length; t++)
            {
                inputs[w * length + t] = bytes[t];
                targets[w * length + t] = bytes[t + 1];
            }
        }

        return new MicroBatch(inputs, targets, length);
    }
}
