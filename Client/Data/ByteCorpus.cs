namespace MoEActors.Client.Data;

/// <summary>
/// Text for a byte-level model, divided into training and validation, and kept per file: a window crosses two files only where both are shorter than it.
/// </summary>
public sealed class ByteCorpus
{
    private ByteCorpus(IReadOnlyList<TextDocument> training, IReadOnlyList<TextDocument> validation)
    {
        Training = training;
        Validation = validation;
    }

    /// <summary>The texts to train on.</summary>
    public IReadOnlyList<TextDocument> Training { get; }

    /// <summary>The texts that are never trained on.</summary>
    public IReadOnlyList<TextDocument> Validation { get; }

    /// <summary>Number of bytes to train on.</summary>
    public long TrainingBytes => Training.Sum(document => (long)document.Bytes.Length);

    /// <summary>Number of bytes kept for validation.</summary>
    public long ValidationBytes => Validation.Sum(document => (long)document.Bytes.Length);

    /// <summary>The part of all bytes that is kept for validation; 0 where there is no text.</summary>
    public double ValidationShare => (double)ValidationBytes / Math.Max(1, TrainingBytes + ValidationBytes);

    /// <summary>
    /// Divides documents: of ten or more, those at index i with i mod 10 = 9 in the ordinal order of names are for validation, if they have from a twentieth to a
    /// fifth of the bytes; of fewer, and where sizes are too unequal for that, the last tenth of each is.
    /// </summary>
    public static ByteCorpus Divide(IReadOnlyList<TextDocument> documents)
    {
        TextDocument[] ordered = [.. documents.OrderBy(document => document.Name, StringComparer.Ordinal)];
        (TextDocument[] training, TextDocument[] validation) = Holdout.Divide(
            ordered, document => document.Bytes.Length, (document, start, length) => document with { Bytes = document.Bytes.Slice(start, length) });
        return new ByteCorpus(training, validation);
    }

    /// <summary>Documents none of which is trained on.</summary>
    public static ByteCorpus ForValidation(IReadOnlyList<TextDocument> documents) =>
        new([], [.. documents.OrderBy(document => document.Name, StringComparer.Ordinal)]);

    /// <summary>Random windows of the training text, each <paramref name="length"/> inputs and the byte that follows the last.</summary>
    /// <param name="seed">Same seed, same windows.</param>
    /// <param name="length">Number of inputs.</param>
    /// <exception cref="TextSourceException">No training text is that long.</exception>
    public TrainingWindows TrainingWindows(long seed, int length) => new(Training, seed, length);

    /// <summary>
    /// Random windows of the first half of the training text, and of the second: documents in the order of their names, which keeps subjects
    /// together, divided where half of the bytes are over.
    /// </summary>
    /// <param name="seed">Same seed, same windows.</param>
    /// <param name="length">Number of inputs.</param>
    /// <exception cref="TextSourceException">No text of a half is that long.</exception>
    public (TrainingWindows First, TrainingWindows Second) TrainingHalves(long seed, int length)
    {
        long left = TrainingBytes / 2;
        List<TextDocument> first = [];
        List<TextDocument> second = [];
        foreach (TextDocument document in Training)
        {
            int taken = (int)Math.Min(left, document.Bytes.Length);
            left -= taken;
            first.Add(document with { Bytes = document.Bytes[..taken] });
            second.Add(document with { Bytes = document.Bytes[taken..] });
        }

        return (new TrainingWindows(first, seed, length), new TrainingWindows(second, seed, length));
    }

    /// <summary>
    /// The fixed windows that a validation loss is measured on, each <paramref name="length"/> inputs and the byte that follows
    /// the last. Window w of a file starts at byte w·length (files too short for one are joined), so that no byte is a target twice. When all windows are more than
    /// needed, every s-th is taken over all files.
    /// </summary>
    /// <param name="length">Number of inputs.</param>
    /// <param name="atLeastBytes">The least number of targets, unless the text has not as many.</param>
    /// <exception cref="TextSourceException">No validation text is long enough for one window.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> ValidationWindows(int length = 128, int atLeastBytes = 262_144)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(atLeastBytes, 1);
        ReadOnlyMemory<byte>[] all = [.. ShortDocuments.Joined(Validation, length).SelectMany(document => WindowsOf(document.Bytes, length))];
        if (all.Length == 0)
        {
            throw new TextSourceException(
                "The text is too short",
                FormattableString.Invariant($"{ValidationBytes:N0} of {TrainingBytes + ValidationBytes:N0} bytes are kept for validation, and hold no window of {length + 1} bytes"),
                FormattableString.Invariant($"Give some {(length + 1L) * Holdout.Fold:N0} bytes of text or more, or a shorter sequence."));
        }

        long needed = ((long)atLeastBytes + length - 1) / length;
        long stride = Math.Max(1, all.Length / needed);
        return [.. all.Where((_, i) => i % stride == 0)];
    }

    /// <summary>
    /// The loss, in nats per byte, of a model that knows only how often each byte occurs in the training text (every count one
    /// higher, so that no byte is impossible).
    /// </summary>
    /// <param name="validationWindows">What <see cref="ValidationWindows"/> returned.</param>
    public double UnigramLoss(IReadOnlyList<ReadOnlyMemory<byte>> validationWindows)
    {
        long[] trained = Count(Training.Select(document => document.Bytes));
        long[] targets = Count(validationWindows.Select(window => window[1..]));
        double total = trained.Sum() + trained.Length;
        double loss = 0;
        for (int value = 0; value < targets.Length; value++)
        {
            loss -= targets[value] * Math.Log((trained[value] + 1) / total);
        }

        return loss / targets.Sum();
    }

    private static IEnumerable<ReadOnlyMemory<byte>> WindowsOf(ReadOnlyMemory<byte> bytes, int length)
    {
        for (int start = 0; start + length < bytes.Length; start += length)
        {
            yield return bytes.Slice(start, length + 1);
        }
    }

    private static long[] Count(IEnumerable<ReadOnlyMemory<byte>> texts)
    {
        long[] counts = new long[256];
        foreach (ReadOnlyMemory<byte> text in texts)
        {
            foreach (byte value in text.Span)
            {
                counts[value]++;
            }
        }

        return counts;
    }
}
