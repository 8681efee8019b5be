using MoEActors.Modules.Models;

namespace MoEActors.Client.Data;

/// <summary>Turns windows of text into micro-batches of a byte-level model: a token is a byte.</summary>
public static class ByteBatches
{
    /// <summary>Number of tokens of a byte-level model.</summary>
    public const int Vocabulary = 256;

    /// <summary>Micro-batches of random training windows for a step.</summary>
    /// <param name="windows">The windows.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="microBatches">Micro-batches of the step.</param>
    /// <param name="sequences">Sequences of all micro-batches together; divided as evenly as they can be, the first ones getting more.</param>
    public static IReadOnlyList<MicroBatch> OfStep(TrainingWindows windows, long step, int microBatches, int sequences)
    {
        ArgumentNullException.ThrowIfNull(windows);
        var batches = new MicroBatch[microBatches];
        int first = 0;
        for (int m = 0; m < microBatches; m++)
        {
            int count = sequences / microBatches + (m < sequences % microBatches ? 1 : 0);
            batches[m] = Of([.. Enumerable.Range(first, count).Select(index => windows[step - 1, index])]);
            first += count;
        }

        return batches;
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
