using MoEActors.Cli.Runs;
using MoEActors.Client.Data;
using MoEActors.Client.Data.Packing;
using MoEActors.Client.Tokens;

namespace MoEActors.Cli.Training;

/// <summary>The files of a run's text, read and not yet understood.</summary>
/// <param name="reading">How they are read.</param>
/// <param name="sources">Those that are read together.</param>
internal sealed class TextFiles(TextReading reading, IReadOnlyList<IReadOnlyList<TextDocument>> sources)
{
    /// <summary>All of them, in their order.</summary>
    public IReadOnlyList<TextDocument> Texts => [.. sources.SelectMany(texts => texts)];

    /// <summary>Whether they are documents to pack, not text to draw windows from.</summary>
    public bool ArePacked => reading.Packed || reading.Weights is not null || reading.Tokenizer is not null || Texts.Any(text => TextFile.HoldsRecords(text.Name));

    /// <summary>Reads files, and says what was left out.</summary>
    /// <param name="paths">Files and folders, as full paths; none for the .NET documentation.</param>
    /// <param name="reading">How they are read.</param>
    /// <param name="output">Where remarks go.</param>
    public static TextFiles Read(string[] paths, TextReading reading, CommandOutput output)
    {
        if (paths.Length == 0)
        {
            return new TextFiles(reading, [DotNetDocumentation.Read()]);
        }

        TextFolder[] folders = reading.Weights is null ? [TextFolder.Read(paths)] : [.. paths.Select(path => TextFolder.Read([path]))];
        output.Remark("Skipped, as they are empty, no plain files, not plain UTF-8 text, or links that lead nowhere", [.. folders.SelectMany(folder => folder.Skipped)]);
        output.Remark("Left out, as they have been read by another name or are copies", [.. folders.SelectMany(folder => folder.Repeated)]);
        return new TextFiles(reading, [.. folders.Select(folder => folder.Documents)]);
    }

    /// <summary>Makes documents of them, and says what was left out.</summary>
    /// <param name="tokenizer">What tokens are.</param>
    /// <param name="output">Where remarks go.</param>
    /// <exception cref="UsageException">A line holds no record, and is not to be skipped.</exception>
    public IReadOnlyList<DocumentSource> Documents(TextTokenizer tokenizer, CommandOutput output)
    {
        var reader = new DocumentReader(tokenizer, reading.SkipBroken);
        try
        {
            DocumentSource[] read = [.. sources.Select((texts, index) => new DocumentSource(reader.Read(texts), reading.Weights?[index] ?? 1))];
            output.Remark("Skipped, as they hold no record", [.. reader.Broken.Select(line => line.ToString())]);
            output.Remark("Left out, as they have been there before", reader.Repeated);
            return read;
        }
        catch (BrokenLineException e)
        {
            throw new UsageException($"{e.Line}. Mend the line, or leave out such lines with --skip-broken.");
        }
    }
}
