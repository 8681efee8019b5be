using System.Text;
using MoEActors.Client.Data;

namespace MoEActors.Tests.Client.Data;

/// <summary>Tokens become text by whole characters.</summary>
public class ByteTextTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("für 5 €")]
    [InlineData("𝔘𝔫𝔦 🙂")]
    public async Task A_text_comes_back_in_pieces_of_whole_characters(string text)
    {
        string[] pieces = await DecodeAsync(Encoding.UTF8.GetBytes(text));
        Assert.Equal(text, string.Concat(pieces));
        Assert.Equal(text.EnumerateRunes().Select(rune => rune.ToString()), pieces);
    }

    [Theory]
    [InlineData(new byte[] { 65, 0xFF, 66 })]
    [InlineData(new byte[] { 65, 0xE2, 0x82 })]
    [InlineData(new byte[] { 0xE2, 0x82, 66 })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xF0, 0x9F, 0x99 })]
    [InlineData(new byte[] { 0x80, 0x80 })]
    public async Task What_is_no_text_becomes_the_replacement_character(byte[] bytes)
    {
        string[] pieces = await DecodeAsync(bytes);
        Assert.Equal(Encoding.UTF8.GetString(bytes), string.Concat(pieces));
        Assert.All(pieces, piece => Assert.False(char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])));
    }

    private static async Task<string[]> DecodeAsync(byte[] bytes) =>
        await ByteText.Decode(bytes.Select(value => (int)value).ToAsyncEnumerable()).ToArrayAsync(TestContext.Current.CancellationToken);
}
