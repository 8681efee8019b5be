using System.Text.Json;

namespace MoEActors.Tests.Client.Tokens;

/// <summary>Files of byte-level BPE with very few merges, as Hugging Face's libraries write them.</summary>
internal static class TokenizerFile
{
    /// <summary>Bytes as GPT-2 writes them in its files: printable ones as they are, the others from 256 on.</summary>
    private static readonly string[] ByteNames = Names();

    /// <summary>A tokenizer.json whose tokens are the bytes, then one of each merge, then the end of a text, then other special ones.</summary>
    public static string Json(string[] merges, params string[] special) => JsonSerializer.Serialize(new
    {
        added_tokens = special.Prepend("<|endoftext|>").Select((content, index) => new { id = ByteNames.Length + merges.Length + index, content, special = true }),
        normalizer = (object?)null,
        pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false },
        model = new { type = "BPE", vocab = Vocabulary([.. merges.Select(Joined)]), merges = merges.Select(merge => merge.Split(' ')) },
    });

    /// <summary>A vocab.json and a merges.txt of the same.</summary>
    public static (string Vocabulary, string Merges) Two(string[] merges) =>
        (JsonSerializer.Serialize(Vocabulary([.. merges.Select(Joined), "<|endoftext|>"])), $"#version: 0.2\n{string.Join('\n', merges)}\n");

    private static string Joined(string merge) => merge.Replace(" ", "", StringComparison.Ordinal);

    private static Dictionary<string, int> Vocabulary(string[] more) => ByteNames.Concat(more).Index().ToDictionary(token => token.Item, token => token.Index);

    private static string[] Names()
    {
        int[] printable = [.. Enumerable.Range('!', '~' - '!' + 1), .. Enumerable.Range('¡', '¬' - '¡' + 1), .. Enumerable.Range('®', 'ÿ' - '®' + 1)];
        return [.. printable.Select(value => ((char)value).ToString()), .. Enumerable.Range(0, 256 - printable.Length).Select(next => ((char)(256 + next)).ToString())];
    }
}
