using MoEActors.Client.Tokens;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Robustness;

namespace MoEActors.Tests.Client.Tokens;

/// <summary>Tokenizers, by name and from files: text comes back, whole and in pieces.</summary>
public sealed class TokenizerTests
{
    private const string Sample = "The cat's 12 hats,\n  für 5 € 🙂 and\t漢字.";

    [Theory]
    [InlineData("bytes", 256, 0)]
    [InlineData("gpt2", 50_257, 50_256)]
    [InlineData("cl100k_base", 100_277, 100_257)]
    [InlineData("o200k_base", 200_019, 199_999)]
    public async Task A_named_one_has_the_tokens_that_it_is_known_for_and_gives_text_back(string name, int vocabulary, int end)
    {
        TextTokenizer tokenizer = TokenizerChoice.Open(name);
        Assert.Equal((name, vocabulary, end), (tokenizer.Name, tokenizer.Vocabulary, tokenizer.EndOfText));
        await AssertComesBackAsync(tokenizer);
    }

    [Fact]
    public async Task What_has_no_end_is_refused_at_once()
    {
        using TemporaryFolder folder = new();
        foreach (string? path in new[] { await SpecialFile.PipeAsync(Path.Combine(folder.Path, "pipe.json")), OperatingSystem.IsLinux() ? "/dev/zero" : null, folder.Write("empty.json", "") })
        {
            if (path is not null)
            {
                Assert.Contains("no file with an end", Assert.Throws<TokenizerException>(() => TokenizerChoice.Open(path)).Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>The ids are those that tiktoken gives.</summary>
    [Theory]
    [InlineData("gpt2", new[] { 15496, 995 })]
    [InlineData("cl100k_base", new[] { 9906, 1917 })]
    [InlineData("o200k_base", new[] { 13225, 2375 })]
    public void Words_are_the_tokens_that_they_are_elsewhere(string name, int[] tokens) => Assert.Equal(tokens, TokenizerChoice.Open(name).Encode("Hello world"));

    [Theory]
    [InlineData("gpt2")]
    [InlineData("cl100k_base")]
    [InlineData("file")]
    public void An_end_that_a_text_spells_ends_nothing(string name)
    {
        using TemporaryFolder folder = new();
        TextTokenizer tokenizer = TokenizerChoice.Open(name == "file" ? folder.Write("tokenizer.json", TokenizerFile.Json(["h e"])) : name);
        foreach (string text in new[] { "a<|endoftext|>b", "<|endoftext|>", "<|endoftext|><|endoftext|> he", "<<|endoftext|>" })
        {
            int[] tokens = tokenizer.Encode(text);
            Assert.DoesNotContain(tokenizer.EndOfText, tokens);
            Assert.Equal(text, tokenizer.Decode(tokens));
        }
    }

    [Fact]
    public void Marks_of_a_chat_are_the_tokens_that_there_are_for_them()
    {
        using TemporaryFolder folder = new();
        TextTokenizer tokenizer = TokenizerChoice.Open(folder.Write("tokenizer.json", TokenizerFile.Json([], "<|im_start|>", "<|im_end|>")));
        Assert.Equal([257, 'a' - '!', 258], tokenizer.Encode("<|im_start|>a<|im_end|>"));
    }

    [Fact]
    public async Task Files_of_byte_pairs_are_read_in_both_forms()
    {
        using TemporaryFolder folder = new();
        string[] merges = ["h e", "l l", "he ll"];
        folder.Write("whole/tokenizer.json", TokenizerFile.Json(merges));
        folder.Write("two/vocab.json", TokenizerFile.Two(merges).Vocabulary);
        folder.Write("two/merges.txt", TokenizerFile.Two(merges).Merges);
        string whole = Path.Combine(folder.Path, "whole"), two = Path.Combine(folder.Path, "two");
        foreach (string path in new[] { whole, Path.Combine(whole, "tokenizer.json"), two })
        {
            TextTokenizer tokenizer = TokenizerChoice.Open(path);
            Assert.Equal((path, 260, 259), (tokenizer.Name, tokenizer.Vocabulary, tokenizer.EndOfText));

            // "hell" is three merges, "o" none; a space belongs to the word behind it, which has no merge of its own.
            Assert.Equal([258, 'o' - '!', 220, 256], tokenizer.Encode("hello he"));
            await AssertComesBackAsync(tokenizer);
        }

        Assert.Equal(TokenizerChoice.Open(whole).Fingerprint, TokenizerChoice.Open(Path.Combine(whole, "tokenizer.json")).Fingerprint);
        Assert.NotEqual(TokenizerChoice.Open(whole).Fingerprint, TokenizerChoice.Open(two).Fingerprint);
    }

    [Theory]
    [InlineData("nothing", "There is no tokenizer")]
    [InlineData("{", "cannot be read")]
    [InlineData("[]", "cannot be read")]
    [InlineData("{}", "cannot be read")]
    [InlineData("""{"model": {"type": "Unigram"}}""", "its model is Unigram, not BPE")]
    [InlineData("""{"model": {"type": "BPE"}, "normalizer": {"type": "Lowercase"}}""", "it normalizes text")]
    [InlineData("""{"model": {"type": "BPE"}, "pre_tokenizer": {"type": "Metaspace"}}""", "it does not work on bytes")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "pre_tokenizer": {"type": "ByteLevel"}}""", "no token that ends a text")]
    [InlineData("""{"model": {"type": "BPE", "vocab": {"a": "0"}, "merges": []}, "pre_tokenizer": {"type": "ByteLevel"}}""", "cannot be read")]
    public void What_is_none_is_refused_with_a_reason(string file, string complaint)
    {
        using TemporaryFolder folder = new();
        string path = file == "nothing" ? Path.Combine(folder.Path, file) : folder.Write("tokenizer.json", file);
        TokenizerException refused = Assert.Throws<TokenizerException>(() => TokenizerChoice.Open(path));
        Assert.Contains(complaint, refused.Message, StringComparison.Ordinal);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
    }

    private static async Task AssertComesBackAsync(TextTokenizer tokenizer)
    {
        int[] tokens = tokenizer.Encode(Sample);
        Assert.All(tokens, token => Assert.InRange(token, 0, tokenizer.Vocabulary - 1));
        Assert.DoesNotContain(tokenizer.EndOfText, tokens);
        Assert.Equal(Sample, tokenizer.Decode(tokens));
        string[] pieces = await tokenizer.DecodeAsync(tokens.Append(tokenizer.EndOfText).Concat(tokens).ToAsyncEnumerable(), TestContext.Current.CancellationToken)
            .ToArrayAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Sample, string.Concat(pieces));
        Assert.All(pieces, piece => Assert.False(piece.Contains('\uFFFD', StringComparison.Ordinal)));
        Assert.True(pieces.Length > 5);
    }
}
