using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace MoEActors.Client.Tokens;

/// <summary>Byte pairs, by Microsoft.ML.Tokenizers.</summary>
/// <param name="name">What it is called.</param>
/// <param name="tokenizer">The library's.</param>
/// <param name="vocabulary">Number of tokens.</param>
/// <param name="endOfText">The token that ends a text.</param>
/// <param name="special">What its special tokens are called, that end among them.</param>
/// <param name="fingerprint">Tells it from every other.</param>
internal sealed class LibraryTokenizer(string name, Tokenizer tokenizer, int vocabulary, int endOfText, IEnumerable<string> special, string fingerprint) : TextTokenizer
{
    /// <summary>Names of tokens that no text stands for.</summary>
    private readonly SearchValues<string> _apart = SearchValues.Create([.. special.Where(IsApart)], StringComparison.Ordinal);

    public override string Name => name;

    public override int Vocabulary => vocabulary;

    public override int EndOfText => endOfText;

    public override string Fingerprint => fingerprint;

    public override int[] Encode(string text)
    {
        // The library takes what reads like a special token for it. Cut behind its first character, it is text like any other.
        List<int> tokens = [];
        int start = 0;
        for (int found; (found = text.AsSpan(start).IndexOfAny(_apart)) >= 0;)
        {
            int end = start + found + FirstOf(text.AsSpan(start + found));
            tokens.AddRange(tokenizer.EncodeToIds(text.AsSpan(start, end - start)));
            start = end;
        }

        tokens.AddRange(tokenizer.EncodeToIds(start == 0 ? text : text[start..]));
        return [.. tokens];
    }

    public override string Decode(IReadOnlyList<int> tokens) => tokenizer.Decode(tokens) ?? "";

    /// <summary>The marks of a chat are what conversations are written with, also in a prompt; one character cannot be cut.</summary>
    private static bool IsApart(string token) => token is not (ChatMarks.Start or ChatMarks.End) && token.Length > 0 && token.Length > FirstOf(token);

    /// <summary>Length of the first character.</summary>
    private static int FirstOf(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out _, out int length);
        return length;
    }
}
