using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MoEActors.Cli.Runs;
using MoEActors.Client.Data;
using MoEActors.Client.Data.Packing;
using MoEActors.Client.Tokens;

namespace MoEActors.Cli.Training;

/// <summary>The micro-batches of a step.</summary>
/// <param name="step">The step, from 1.</param>
/// <param name="microBatches">Micro-batches of the step.</param>
/// <param name="sequences">Sequences of all micro-batches together.</param>
internal delegate IReadOnlyList<MicroBatch> StepBatches(long step, int microBatches, int sequences);

/// <summary>Text that is never trained on, and what is known of it.</summary>
/// <param name="Batches">The text.</param>
/// <param name="UnigramLoss">The loss on it of a model that knows only how often each token occurs, nats per token.</param>
internal sealed record ValidationText(IReadOnlyList<MicroBatch> Batches, Lazy<double> UnigramLoss)
{
    /// <summary>The least number of targets of a loss that is to be compared with others.</summary>
    public const int Enough = 262_144;
}

/// <summary>Where a run's text comes from, and which text it was.</summary>
/// <param name="Paths">Files and folders, as full paths; empty for the .NET documentation.</param>
/// <param name="Reading">How they are read.</param>
/// <param name="Hash">SHA-256 of what is trained on, in its order.</param>
internal abstract record TextSource(IReadOnlyList<string> Paths, TextReading Reading, string Hash)
{
    /// <summary>What its tokens are.</summary>
    public abstract TextTokenizer Tokenizer { get; }

    /// <summary>What the run learns from.</summary>
    /// <param name="seed">Same seed, same batches.</param>
    /// <param name="length">Inputs of a sequence.</param>
    /// <param name="turn">The last step on the first half of the text; null to take all of it in every step.</param>
    public abstract StepBatches Batches(long seed, int length, long? turn = null);

    /// <summary>What it is measured on.</summary>
    /// <param name="length">Inputs of a sequence.</param>
    /// <param name="atLeast">The least number of targets, where there are as many.</param>
    public abstract ValidationText Validation(int length, int atLeast = ValidationText.Enough);

    /// <summary>The first words of the validation text.</summary>
    /// <param name="otherwise">What to take where there are no words.</param>
    public abstract string Prompt(string otherwise);

    /// <summary>Reads text, and says what it left out and how much there is.</summary>
    /// <exception cref="UsageException">Weights do not go with the paths, or a line holds no record.</exception>
    public static TextSource Read(IReadOnlyList<string> paths, TextReading? reading, CommandOutput output)
    {
        TextReading asked = reading ?? TextReading.Plain;
        string[] full = Full(paths);
        asked.Require(full);
        TextFiles files = TextFiles.Read(full, asked, output);
        TextTokenizer tokenizer = asked.Open();
        return files.ArePacked
            ? PackedText.Of(full, asked, tokenizer, DocumentCorpus.Divide(files.Documents(tokenizer, output)), output)
            : WindowText.Of(full, files.Texts, output);
    }

    /// <summary>Reads text to measure a model on: all of it is for validation.</summary>
    public static TextSource ReadAll(IReadOnlyList<string> paths, TextReading? reading, CommandOutput output)
    {
        TextReading asked = (reading ?? TextReading.Plain) with { Weights = null };
        string[] full = Full(paths);
        TextFiles files = TextFiles.Read(full, asked, output);
        TextTokenizer tokenizer = asked.Open();
        return files.ArePacked
            ? new PackedText(full, asked, "", tokenizer, DocumentCorpus.ForValidation([.. files.Documents(tokenizer, output).SelectMany(source => source.Documents)]))
            : new WindowText(full, "", ByteCorpus.ForValidation(files.Texts));
    }

    /// <summary>Full paths, so that the order of documents is the same wherever the run is resumed.</summary>
    private static string[] Full(IReadOnlyList<string> paths) => [.. paths.Select(path => path.Length == 0 ? path : Path.GetFullPath(path))];
}

/// <summary>Plain text in random windows of bytes.</summary>
internal sealed record WindowText(IReadOnlyList<string> Paths, string Hash, ByteCorpus Corpus) : TextSource(Paths, TextReading.Plain, Hash)
{
    /// <summary>Sequences of a validation micro-batch.</summary>
    private const int Sequences = 8;

    /// <inheritdoc />
    public override TextTokenizer Tokenizer => TextTokenizer.Bytes;

    /// <inheritdoc />
    public override StepBatches Batches(long seed, int length, long? turn = null)
    {
        var windows = new SubjectWindows(Corpus, seed, length, turn);
        return (step, microBatches, sequences) => ByteBatches.OfStep(windows.Of(step), step, microBatches, sequences);
    }

    /// <inheritdoc />
    public override ValidationText Validation(int length, int atLeast = ValidationText.Enough)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> windows = Corpus.ValidationWindows(length, atLeast);
        return new ValidationText([.. windows.Chunk(Sequences).Select(ByteBatches.Of)], new Lazy<double>(() => Corpus.UnigramLoss(windows)));
    }

    /// <inheritdoc />
    public override string Prompt(string otherwise) => SamplePrompt.Of(Corpus.Validation.Select(text => text.Bytes), otherwise);

    /// <summary>Reads text that is wanted in windows.</summary>
    /// <exception cref="UsageException">It has records.</exception>
    public static WindowText Read(IReadOnlyList<string> paths, CommandOutput output) =>
        TextSource.Read(paths, TextReading.Plain, output) as WindowText
        ?? throw new UsageException($"{string.Join(", ", paths)}: plain text is needed here, no records.");

    /// <summary>Divides text, and says how much there is.</summary>
    public static WindowText Of(string[] paths, IReadOnlyList<TextDocument> texts, CommandOutput output)
    {
        ByteCorpus corpus = ByteCorpus.Divide(texts);
        output.Out.WriteLine($"Text: {corpus.TrainingBytes:N0} bytes to learn from, {corpus.ValidationBytes:N0} ({corpus.ValidationShare * 100:0.0}%) kept for validation.");
        return new WindowText(paths, HashOf(corpus), corpus);
    }

    private static string HashOf(ByteCorpus corpus)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TextDocument document in corpus.Training)
        {
            // Lengths too: windows do not cross documents, so the cuts are part of what a batch follows from.
            hash.AppendData(BitConverter.GetBytes(document.Bytes.Length));
            hash.AppendData(document.Bytes.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>Documents, packed into sequences in which a token sees its own document alone.</summary>
internal sealed record PackedText(IReadOnlyList<string> Paths, TextReading Reading, string Hash, TextTokenizer Tokens, DocumentCorpus Corpus)
    : TextSource(Paths, Reading, Hash)
{
    /// <summary>Tokens that hold the first words of a text.</summary>
    private const int Beginning = 128;

    /// <inheritdoc />
    public override TextTokenizer Tokenizer => Tokens;

    /// <inheritdoc />
    public override StepBatches Batches(long seed, int length, long? turn = null)
    {
        UsageException.ThrowUnless(turn is null, "a run whose text changes its subject half-way reads plain text.");
        return Corpus.TrainingBatches(seed, length).OfStep;
    }

    /// <inheritdoc />
    public override ValidationText Validation(int length, int atLeast = ValidationText.Enough)
    {
        IReadOnlyList<MicroBatch> batches = Corpus.ValidationBatches(length, atLeast);
        return new ValidationText(batches, new Lazy<double>(() => Corpus.UnigramLoss(batches, Tokenizer.Vocabulary)));
    }

    /// <inheritdoc />
    public override string Prompt(string otherwise) =>
        SamplePrompt.Of(
            Corpus.Validation.Select(document => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(
                Tokens.Decode(document.Tokens[..Math.Min(Beginning, document.Tokens.Length)].ToArray().TakeWhile(token => token != Tokens.EndOfText).ToArray()))),
            otherwise);

    /// <summary>Says how much there is.</summary>
    public static PackedText Of(string[] paths, TextReading reading, TextTokenizer tokenizer, DocumentCorpus corpus, CommandOutput output)
    {
        output.Out.WriteLine($"Text: {corpus.TrainingTokens:N0} tokens of {Wording.Count(corpus.Training.Count(), "document")} to learn from, {corpus.ValidationTokens:N0} ({corpus.ValidationShare * 100:0.0}%) kept for validation.");
        return new PackedText(paths, reading, HashOf(reading, corpus), tokenizer, corpus);
    }

    private static string HashOf(TextReading reading, DocumentCorpus corpus)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (double weight in reading.Weights ?? [])
        {
            hash.AppendData(BitConverter.GetBytes(weight));
        }

        // Where sources are drawn from by weight, which one a document is of is part of what a batch follows from.
        foreach (int documents in reading.Weights is null ? [] : corpus.TrainingCounts)
        {
            hash.AppendData(BitConverter.GetBytes(documents));
        }

        foreach (TokenDocument document in corpus.Training)
        {
            hash.AppendData(BitConverter.GetBytes(document.Tokens.Length));
            hash.AppendData(MemoryMarshal.AsBytes(document.Tokens.Span));
            hash.AppendData(MemoryMarshal.AsBytes(document.Learnt.Span));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>The windows that a step learns from: of the whole text, or of one half of it before a turn and of the other half afterwards.</summary>
internal sealed class SubjectWindows
{
    private readonly TrainingWindows _before;
    private readonly TrainingWindows _after;
    private readonly long _turn;

    /// <summary>Prepares the windows.</summary>
    /// <param name="corpus">The text.</param>
    /// <param name="seed">Same seed, same windows.</param>
    /// <param name="length">Inputs of a window.</param>
    /// <param name="turn">The last step on the first half of the text; null to take all of it in every step.</param>
    public SubjectWindows(ByteCorpus corpus, long seed, int length, long? turn)
    {
        (_before, _after) = turn is null ? (corpus.TrainingWindows(seed, length), corpus.TrainingWindows(seed, length)) : corpus.TrainingHalves(seed, length);
        _turn = turn ?? long.MaxValue;
    }

    /// <summary>The windows of a step.</summary>
    public TrainingWindows Of(long step) => step <= _turn ? _before : _after;
}
