using Microsoft.ML.Tokenizers;

namespace MoEActors.Client.Tokens;

/// <summary>Byte pairs, by Microsoft.ML.Tokenizers.</summary>
/// <param name="name">What it is called.</param>
/// <param name="tokenizer">The library's.</param>
/// <param name="vocabulary">Number of tokens.</param>
/// <param name="endOfText">The token that ends a text.</param>
/// <param name="fingerprint">Tells it from every other.</param>
internal sealed class LibraryTokenizer(string name, Tokenizer tokenizer, int vocabulary, int endOfText, string fingerprint) : TextTokenizer
{
    public override string Name => name;

    public override int Vocabulary => vocabulary;

    public override int EndOfText => endOfText;

    public override string Fingerprint => fingerprint;

    public override int[] Encode(string text) => [.. tokenizer.EncodeToIds(text)];

    public override string Decode(IReadOnlyList<int> tokens) => tokenizer.Decode(tokens) ?? "";
}
