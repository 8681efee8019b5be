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
        output.Out.WriteLine($"Text: {corpus.TrainingBytes:N0} bytes to learn from, {corpus.ValidationBytes:N0} kept for validation.");
        return new TextSource(full, corpus, HashOf(corpus));
    }

    private static IReadOnlyList<TextDocument> ReadFiles(string[] paths, CommandOutput output)
    {
        TextFolder text = TextFolder.Read(paths);
        foreach (string skipped in text.Skipped)
        {
            output.Error.WriteLine($"Skipped, as it is empty or not UTF-8 text: {skipped}");
        }

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
