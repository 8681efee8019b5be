using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace MoEActors.Client.Tokens;

/// <summary>Reads byte-level BPE (Radford et al., GPT-2, §2.2) from the files that Hugging Face's libraries write.</summary>
internal static class BytePairFiles
{
    private const string Whole = "tokenizer.json", Vocabulary = "vocab.json", Merges = "merges.txt";

    /// <summary>Far beyond any vocabulary, and small enough to count with.</summary>
    private const int MostTokens = 1 << 24;

    /// <summary>How GPT-2 cuts text into words before it joins bytes.</summary>
    private const string Words = @"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>What tokens that end a text are called, the most usual first.</summary>
    private static readonly string[] Ends = ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>"];

    /// <summary>Opens a tokenizer.json, or a folder with one or with the two older files.</summary>
    /// <exception cref="TokenizerException">There is none, or it is of another kind.</exception>
    public static TextTokenizer Open(string path)
    {
        string whole = Directory.Exists(path) ? Path.Combine(path, Whole) : path;
        try
        {
            return File.Exists(whole) ? OfWhole(path, Read(whole))
                : File.Exists(Path.Combine(path, Vocabulary)) && File.Exists(Path.Combine(path, Merges))
                    ? OfTwo(path, Read(Path.Combine(path, Vocabulary)), Read(Path.Combine(path, Merges)))
                : throw new TokenizerException(
                    $"There is no tokenizer '{path}': it is one of {string.Join(", ", TokenizerChoice.Names)}, a {Whole}, or a folder with one or with {Vocabulary} and {Merges}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new TokenizerException($"The tokenizer in {path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads a file, and nothing that may never end: a pipe waits for whoever writes, and a device goes on.</summary>
    private static byte[] Read(string path)
    {
        // Both have no length.
        return new FileInfo(path).Length > 0 ? File.ReadAllBytes(path) : throw new IOException("it is empty, or no file with an end");
    }

    private static LibraryTokenizer OfWhole(string path, byte[] file)
    {
        using JsonDocument json = JsonDocument.Parse(file);
        JsonElement root = json.RootElement, model = root.GetProperty("model");
        Require(path, !model.TryGetProperty("type", out JsonElement type) || type.GetString() == "BPE", $"its model is {type}, not BPE");
        Require(path, !root.TryGetProperty("normalizer", out JsonElement normalizer) || normalizer.ValueKind == JsonValueKind.Null, "it normalizes text, which then cannot be had back");
        string? words = WordsOf(root);
        Require(path, words is not null, "it does not work on bytes (no ByteLevel among its pre_tokenizer)");
        Dictionary<string, int> vocabulary = model.GetProperty("vocab").EnumerateObject().ToDictionary(token => token.Name, token => token.Value.GetInt32());
        Dictionary<string, int> added = root.TryGetProperty("added_tokens", out JsonElement tokens)
            ? tokens.EnumerateArray().ToDictionary(token => token.GetProperty("content").GetString()!, token => token.GetProperty("id").GetInt32())
            : [];

        // Others are text that has a token of its own, as a row of spaces.
        string[] special = added.Count == 0 ? [] :
        [
            .. tokens.EnumerateArray().Where(token => !token.TryGetProperty("special", out JsonElement isSpecial) || isSpecial.GetBoolean()).Select(token => token.GetProperty("content").GetString()!),
        ];
        string[] merges =
        [
            .. model.GetProperty("merges").EnumerateArray()
                .Select(pair => pair.ValueKind == JsonValueKind.Array ? string.Join(' ', pair.EnumerateArray().Select(part => part.GetString())) : pair.GetString()!),
        ];
        return Of(path, vocabulary, merges, added, special, words!, Hash(file));
    }

    private static LibraryTokenizer OfTwo(string path, byte[] vocabulary, byte[] merges)
    {
        Dictionary<string, int> tokens = JsonSerializer.Deserialize<Dictionary<string, int>>(vocabulary) ?? [];
        Dictionary<string, int> special = tokens.Where(token => Ends.Contains(token.Key)).ToDictionary();
        return Of(
            path, tokens,
            [.. Encoding.UTF8.GetString(merges).Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal))],
            special, special.Keys, Words, Hash([.. vocabulary, .. merges]));
    }

    private static LibraryTokenizer Of(string path, Dictionary<string, int> vocabulary, string[] merges, Dictionary<string, int> added, IEnumerable<string> special, string words, string fingerprint)
    {
        string? end = Ends.FirstOrDefault(name => added.ContainsKey(name) || vocabulary.ContainsKey(name));
        Require(path, end is not null, $"it has no token that ends a text ({string.Join(", ", Ends)})");
        Dictionary<string, int> all = new(vocabulary);
        foreach ((string token, int id) in added)
        {
            all[token] = id;
        }

        Require(path, all.Values.Min() >= 0 && all.Values.Max() < MostTokens, $"its tokens have numbers outside 0 to {MostTokens - 1:N0}");
        Tokenizer tokenizer = BpeTokenizer.Create(new BpeOptions(all)
        {
            Merges = merges,
            ByteLevel = true,
            SpecialTokens = added.Count > 0 ? added : null,
            PreTokenizer = new RegexPreTokenizer(new Regex(words, RegexOptions.Compiled | RegexOptions.CultureInvariant), added.Count > 0 ? added : null),
        });
        return new LibraryTokenizer(path, tokenizer, all.Values.Max() + 1, all[end!], [.. special, end!], fingerprint);
    }

    /// <summary>How it cuts text into words; null when it does not work on bytes.</summary>
    private static string? WordsOf(JsonElement root)
    {
        if (!root.TryGetProperty("pre_tokenizer", out JsonElement cutter) || cutter.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        JsonElement[] parts = cutter.GetProperty("type").GetString() == "Sequence" ? [.. cutter.GetProperty("pretokenizers").EnumerateArray()] : [cutter];
        if (parts.All(part => part.GetProperty("type").GetString() != "ByteLevel"))
        {
            return null;
        }

        JsonElement split = parts.FirstOrDefault(part => part.GetProperty("type").GetString() == "Split");
        return split.ValueKind == JsonValueKind.Object ? split.GetProperty("pattern").GetProperty("Regex").GetString() : Words;
    }

    private static void Require(string path, bool holds, string wrong)
    {
        if (!holds)
        {
            throw new TokenizerException($"The tokenizer in {path} cannot be used: {wrong}. Byte-level BPE is read here, as GPT-2 and Llama 3 have it.");
        }
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
