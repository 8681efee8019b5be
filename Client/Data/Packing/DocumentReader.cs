using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MoEActors.Client.Tokens;

namespace MoEActors.Client.Data.Packing;

/// <summary>
/// Turns texts into documents of tokens: a plain file is one, a file of records (JSONL, by its name) has one a line. A document that has been there before, in whatever file, is left out: half of the time it would
/// be in the training part and in that for validation, which then measures nothing. One reader is for one thread.
/// </summary>
/// <param name="tokenizer">What tokens are.</param>
/// <param name="skipsBroken">Whether lines without a record are left out; else the first one is an error.</param>
public sealed class DocumentReader(TextTokenizer tokenizer, bool skipsBroken = false)
{
    /// <summary>Characters of the longest string of .NET.</summary>
    private const int MostCharacters = 0x3FFFFFDF;

    private readonly HashSet<UInt128> _seen = [];
    private readonly List<BrokenLine> _broken = [];
    private readonly List<string> _repeated = [];

    private static ReadOnlySpan<byte> Mark => [0xEF, 0xBB, 0xBF];

    /// <summary>Lines that were left out as they hold no record.</summary>
    public IReadOnlyList<BrokenLine> Broken => _broken;

    /// <summary>Names of documents that were left out as they had been there before.</summary>
    public IReadOnlyList<string> Repeated => _repeated;

    /// <summary>Reads texts, whose documents are in the order of the texts and of their lines.</summary>
    /// <exception cref="BrokenLineException">A line holds no record, and is not to be skipped.</exception>
    /// <exception cref="TextSourceException">A plain file is too long for one document.</exception>
    public IReadOnlyList<TokenDocument> Read(IReadOnlyList<TextDocument> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        List<TokenDocument> documents = [];
        foreach (TextDocument text in texts)
        {
            ReadOnlyMemory<byte> bytes = text.Bytes.Span.StartsWith(Mark) ? text.Bytes[Mark.Length..] : text.Bytes;
            if (TextFile.HoldsRecords(text.Name))
            {
                ReadLines(text.Name, bytes, documents);
            }
            else
            {
                Add(Document(text.Name, new TextRecord([new TextPart(Whole(text.Name, bytes.Span), IsLearnt: true)], IsText: true)), documents);
            }
        }

        return documents;
    }

    /// <summary>A plain file as one text.</summary>
    private static string Whole(string file, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MostCharacters && Encoding.UTF8.GetCharCount(bytes) is var count and > MostCharacters)
        {
            throw new TextSourceException(
                "The file is too long for one document", file,
                FormattableString.Invariant($"It has {count:N0} characters, and a document has {MostCharacters:N0} at most: divide the file, or write it as records (.jsonl)."));
        }

        return Encoding.UTF8.GetString(bytes);
    }

    private void ReadLines(string file, ReadOnlyMemory<byte> bytes, List<TokenDocument> documents)
    {
        int number = 0;
        for (int start = 0; start < bytes.Length;)
        {
            int end = bytes.Span[start..].IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = bytes.Span.Slice(start, end < 0 ? bytes.Length - start : end);
            start += line.Length + 1;
            number++;
            if (line.ContainsAnyExcept(" \t\r"u8))
            {
                ReadLine(file, number, line, documents);
            }
        }
    }

    private void ReadLine(string file, int number, ReadOnlySpan<byte> line, List<TokenDocument> documents)
    {
        try
        {
            RequireText(line);
            Add(Document(FormattableString.Invariant($"{file}:{number}"), TextRecord.Parse(line)), documents);
        }
        catch (RecordException e)
        {
            var broken = new BrokenLine(file, number, e.ColumnIn(line), e.Message);
            _broken.Add(skipsBroken ? broken : throw new BrokenLineException(broken));
        }
    }

    /// <summary>A file that was put together from others may be of several encodings.</summary>
    private static void RequireText(ReadOnlySpan<byte> line)
    {
        for (int position = 0; position < line.Length;)
        {
            if (Rune.DecodeFromUtf8(line[position..], out _, out int length) != OperationStatus.Done)
            {
                throw new RecordException(position, "is not UTF-8");
            }

            position += length;
        }
    }

    private TokenDocument Document(string name, TextRecord record)
    {
        List<int> tokens = [];
        List<bool> learnt = [];
        foreach (TextPart part in record.Parts)
        {
            int[] own = tokenizer.Encode(part.Text);
            tokens.AddRange(own);
            learnt.AddRange(Enumerable.Repeat(part.IsLearnt, record.IsText ? 0 : own.Length));
        }

        if (record.IsText)
        {
            tokens.Add(tokenizer.EndOfText);
        }

        return new TokenDocument(name, tokens.ToArray(), learnt.ToArray());
    }

    private void Add(TokenDocument document, List<TokenDocument> documents)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(document.Tokens.Span), hash);
        if (_seen.Add(MemoryMarshal.Read<UInt128>(hash)))
        {
            documents.Add(document);
        }
        else
        {
            _repeated.Add(document.Name);
        }
    }
}
