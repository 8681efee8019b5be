using System.Security.Cryptography;
using MoEActors.Client.Data;

namespace MoEActors.Cli.Training;

/// <summary>Where a run's text comes from, and which text it was.</summary>
/// <param name="Paths">Files and folders, as full paths; empty for the .NET documentation.</param>
/// <param name="Corpus">The text.</param>
/// <param name="Hash">SHA-256 of the documents to train on, in their order.</param>
internal sealed record TextSource(IReadOnlyList<string> Paths, ByteCorpus Corpus, string Hash)
{
    /// <summary>Reads text, and says what it left out and how much there is.</summary>
    public static TextSource Read(IReadOnlyList<string> paths, CommandOutput output)
    {
        // Full paths, so that the order of documents is the same wherever the run is resumed.
        string[] full = [.. paths.Select(path => path.Length == 0 ? path : Path.GetFullPath(path))];
        ByteCorpus corpus = ByteCorpus.Divide(full.Length == 0 ? DotNetDocumentation.Read() : ReadFiles(full, output));
        output.Out.WriteLine($"Text: {corpus.TrainingBytes:N0} bytes to learn from, {corpus.ValidationBytes:N0} ({corpus.ValidationShare * 100:0.0}%) kept for validation.");
        return new TextSource(full, corpus, HashOf(corpus));
    }

    /// <summary>Reads text to measure a model on: all of it is for validation.</summary>
    public static ByteCorpus ReadAll(IReadOnlyList<string> paths, CommandOutput output) =>
        ByteCorpus.ForValidation(ReadFiles([.. paths.Select(path => path.Length == 0 ? path : Path.GetFullPath(path))], output));

    private static IReadOnlyList<TextDocument> ReadFiles(string[] paths, CommandOutput output)
    {
        TextFolder text = TextFolder.Read(paths);
        output.Remark("Skipped, as they are empty, no plain files, not plain UTF-8 text, or links that lead nowhere", text.Skipped);
        output.Remark("Left out, as they have been read by another name or are copies", text.Repeated);
        return text.Documents;
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
