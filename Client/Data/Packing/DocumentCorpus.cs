namespace MoEActors.Client.Data.Packing;

/// <summary>Documents, divided into training and validation, and packed into sequences in which a token sees its own document alone.</summary>
public sealed class DocumentCorpus
{
    /// <summary>Sequences of a validation micro-batch.</summary>
    private const int ValidationSequences = 8;

    private readonly IReadOnlyList<DocumentSource> _training;

    private DocumentCorpus(IReadOnlyList<DocumentSource> training, IReadOnlyList<TokenDocument> validation)
    {
        _training = training;
        Validation = validation;
    }

    /// <summary>The documents to train on, those of one source behind those of another.</summary>
    public IEnumerable<TokenDocument> Training => _training.SelectMany(source => source.Documents);

    /// <summary>By source: the number of its documents to train on.</summary>
    internal IReadOnlyList<int> TrainingCounts => [.. _training.Select(source => source.Documents.Count)];

    /// <summary>The documents that are never trained on.</summary>
    public IReadOnlyList<TokenDocument> Validation { get; }

    /// <summary>Number of tokens to train on.</summary>
    public long TrainingTokens => Count(Training);

    /// <summary>Number of tokens kept for validation.</summary>
    public long ValidationTokens => Count(Validation);

    /// <summary>The part of all tokens that is kept for validation; 0 where there is no text.</summary>
    public double ValidationShare => (double)ValidationTokens / Math.Max(1, TrainingTokens + ValidationTokens);

    /// <summary>
    /// Divides the documents of each source: of ten or more, those at index i with i mod 10 = 9 are for validation, if they have from a twentieth to a fifth of the tokens; of fewer, and where sizes are too
    /// unequal for that, the last tenth of each is.
    /// </summary>
    /// <exception cref="ArgumentException">There is no source, or a weight is not above 0.</exception>
    public static DocumentCorpus Divide(IReadOnlyList<DocumentSource> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Count == 0 || sources.FirstOrDefault(source => !(source.Weight > 0 && double.IsFinite(source.Weight))) is not null)
        {
            throw new ArgumentException("Documents are of one source at least, and weights are above 0.", nameof(sources));
        }

        (DocumentSource Training, TokenDocument[] Validation)[] divided =
        [
            .. sources.Select(source =>
            {
                (TokenDocument[] training, TokenDocument[] validation) = Holdout.Divide(
                    source.Documents, document => document.Tokens.Length, (document, start, length) => document.Part(start, length));
                return (source with { Documents = training }, validation);
            }),
        ];
        return new DocumentCorpus([.. divided.Select(one => one.Training)], [.. divided.SelectMany(one => one.Validation)]);
    }

    /// <summary>Documents none of which is trained on.</summary>
    public static DocumentCorpus ForValidation(IReadOnlyList<TokenDocument> documents) => new([], documents);

    /// <summary>What a run learns from.</summary>
    /// <param name="seed">Same seed, same order.</param>
    /// <param name="length">Inputs of a sequence.</param>
    /// <exception cref="TextSourceException">A source has nothing to learn from.</exception>
    public PackedBatches TrainingBatches(long seed, int length) => new(_training, seed, length);

    /// <summary>
    /// The fixed micro-batches that a validation loss is measured on. Sources have the part in them that their documents have. When all sequences are more than needed, every s-th is taken.
    /// </summary>
    /// <param name="length">Inputs of a sequence.</param>
    /// <param name="atLeastTokens">The least number of targets, as nearly as whole sequences allow, unless there are not as many.</param>
    /// <exception cref="TextSourceException">No document of the validation part has two tokens of which the second is learnt.</exception>
    public IReadOnlyList<MicroBatch> ValidationBatches(int length, int atLeastTokens = 262_144)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(atLeastTokens, 1);
        var packed = new PackedSequences(Validation, length);
        if (packed.Count == 0)
        {
            throw new TextSourceException(
                "The text is too short",
                FormattableString.Invariant($"{ValidationTokens:N0} of {TrainingTokens + ValidationTokens:N0} tokens are kept for validation, and hold nothing to predict"), "Give more text.");
        }

        int stride = (int)Math.Max(1, Math.Min(packed.Count, Validation.Sum(Targets) / atLeastTokens));
        return
        [
            .. Enumerable.Range(0, packed.Count).Where(index => index % stride == 0).Select(index => (packed, index)).Chunk(ValidationSequences)
                .Select(chosen => PackedBatches.Of(chosen, length)),
        ];
    }

    /// <summary>
    /// The loss, in nats per token, of a model that knows only how often each token is learnt in the training documents (every count one higher, so that no token is impossible).
    /// </summary>
    /// <param name="validation">What <see cref="ValidationBatches"/> returned.</param>
    /// <param name="vocabulary">Number of tokens that there are.</param>
    public double UnigramLoss(IReadOnlyList<MicroBatch> validation, int vocabulary)
    {
        long[] trained = new long[vocabulary];
        foreach (TokenDocument document in Training)
        {
            for (int token = 1; token < document.Tokens.Length; token++)
            {
                if (document.TargetAt(token) is >= 0 and var target)
                {
                    trained[target]++;
                }
            }
        }

        double total = trained.Sum() + vocabulary;
        return validation.SelectMany(batch => batch.Targets).Where(target => target >= 0).Average(target => -Math.Log((trained[target] + 1) / total));
    }

    /// <summary>Tokens of a document that are to be predicted.</summary>
    private static long Targets(TokenDocument document)
    {
        long count = 0;
        for (int token = 1; token < document.Tokens.Length; token++)
        {
            count += document.TargetAt(token) >= 0 ? 1 : 0;
        }

        return count;
    }

    private static long Count(IEnumerable<TokenDocument> documents) => documents.Sum(document => (long)document.Tokens.Length);
}
