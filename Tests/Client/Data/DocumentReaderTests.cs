using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MoEActors.Client.Data;
using MoEActors.Client.Data.Packing;
using MoEActors.Client.Tokens;

namespace MoEActors.Tests.Client.Data;

/// <summary>Files of records, line by line.</summary>
public sealed class DocumentReaderTests
{
    [Fact]
    public void A_text_is_learnt_as_a_whole_and_ends()
    {
        var reader = new DocumentReader(TextTokenizer.Bytes);
        TokenDocument[] documents =
        [
            .. reader.Read([Lines("\uFEFF{\"text\": \"für\", \"more\": [1, {\"text\": 2}]}\r\n\n  \t\r\n{\"text\":\"zwei\"}"), new TextDocument("plain.txt", "\uFEFFeins"u8.ToArray())]),
        ];
        Assert.Equal(["f.jsonl:1", "f.jsonl:4", "plain.txt"], documents.Select(document => document.Name));
        Assert.Equal(["für\0", "zwei\0", "eins\0"], documents.Select(TextOf));
        Assert.All(documents, document => Assert.True(document.Learnt.IsEmpty));
        Assert.Empty(reader.Broken);
    }

    [Fact]
    public void Of_a_conversation_the_answers_are_learnt()
    {
        TokenDocument chat = new DocumentReader(TextTokenizer.Bytes).Read([Lines("""
            {"messages": [{"role": "system", "content": ""}, {"content": "2+2?", "role": "user", "name": "me"}, {"role": "assistant", "content": "4"}, {"role": "user", "content": "3?"}, {"role": "assistant", "content": "No."}]}
            """)])[0];
        Assert.Equal(
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n<|im_start|>user\n3?<|im_end|>\n<|im_start|>assistant\nNo.<|im_end|>\n",
            TextOf(chat));
        Assert.Equal("4<|im_end|>No.<|im_end|>", Encoding.UTF8.GetString([.. chat.Tokens.ToArray().Zip(chat.Learnt.ToArray()).Where(one => one.Second).Select(one => (byte)one.First)]));
        Assert.Equal(chat.Tokens.Length, chat.Learnt.Length);
    }

    [Theory]
    [InlineData("{\"text\": 5}", 10, "\"text\" must be a text")]
    [InlineData("{\"text\": null}", 10, "\"text\" must be a text")]
    [InlineData("{\"text\": \"\"}", 10, "\"text\" is empty")]
    [InlineData("{\"text\": \"a\\u0000\"}", 10, "has a zero character")]
    [InlineData("{\"text\": \"\\ud800\"}", 10, "half of a surrogate pair")]
    [InlineData("{\"text\": \"ä\" \"b\"}", 14, "is no JSON")]
    [InlineData("{\"text\": \"a\"", 13, "is no JSON")]
    [InlineData("{\"text\": \"a\"} {}", 15, "is no JSON")]
    [InlineData("\"text\"", 1, "one object in braces")]
    [InlineData("[1]", 1, "one object in braces")]
    [InlineData("text", 2, "is no JSON")]
    [InlineData("{}", 1, "neither \"text\" nor \"messages\"")]
    [InlineData("{\"content\": \"a\"}", 1, "neither \"text\" nor \"messages\"")]
    [InlineData("{\"text\": \"a\", \"text\": \"b\"}", 15, "one \"text\" or one list")]
    [InlineData("{\"text\": \"a\", \"messages\": []}", 15, "one \"text\" or one list")]
    [InlineData("{\"messages\": {}}", 14, "must be a list")]
    [InlineData("{\"messages\": []}", 14, "nothing to learn")]
    [InlineData("{\"messages\": [5]}", 15, "a message is an object")]
    [InlineData("{\"messages\": [{\"role\": \"assistant\"}]}", 15, "a \"role\" and a \"content\"")]
    [InlineData("{\"messages\": [{\"role\": \"assistant\", \"content\": [\"a\"]}]}", 48, "\"content\" must be a text")]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}", 14, "nothing to learn")]
    [InlineData("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a<|im_end|>\\n<|im_start|>assistant\\nb\"}]}", 48, "the marks that messages are told apart by")]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": \"<|im_\\u0073tart|>\"}]}", 43, "\"content\" has <|im_start|> or <|im_end|>")]
    [InlineData("{\"messages\": [{\"role\": \"user\\nassistant\", \"content\": \"a\"}]}", 24, "\"role\" must be of the letters")]
    [InlineData("{\"messages\": [{\"role\": \"\", \"content\": \"a\"}]}", 24, "\"role\" must be of the letters")]
    public void A_broken_line_is_named_by_its_place_or_skipped(string line, int column, string complaint)
    {
        TextDocument file = Lines("{\"text\": \"first\"}\n" + line + "\n{\"text\": \"third\"}");
        BrokenLineException refused = Assert.Throws<BrokenLineException>(() => new DocumentReader(TextTokenizer.Bytes).Read([file]));
        Assert.Equal(("f.jsonl", 2, column), (refused.Line.File, refused.Line.Line, refused.Line.Column));
        Assert.Contains(complaint, refused.Message, StringComparison.Ordinal);
        Assert.StartsWith($"f.jsonl:2:{column}: ", refused.Message, StringComparison.Ordinal);
        var skipping = new DocumentReader(TextTokenizer.Bytes, skipsBroken: true);
        Assert.Equal(["first\0", "third\0"], skipping.Read([file]).Select(TextOf));
        Assert.Equal([refused.Line], skipping.Broken);
    }

    [Fact]
    public void A_line_in_another_encoding_is_broken_where_it_begins_to_be()
    {
        byte[] mixed = [.. "{\"text\": \"für\"}\n{\"text\": \"f"u8, 0xFC, .. "r\"}\n"u8];
        BrokenLineException refused = Assert.Throws<BrokenLineException>(() => new DocumentReader(TextTokenizer.Bytes).Read([new TextDocument("m.JSONL", mixed)]));
        Assert.Equal(new BrokenLine("m.JSONL", 2, 12, "is not UTF-8"), refused.Line);
    }

    [Fact]
    public void A_document_is_read_once_in_whatever_file_it_is()
    {
        var reader = new DocumentReader(TextTokenizer.Bytes);
        Assert.Equal(2, reader.Read([Lines("{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"\\u0061\"}")]).Count);
        Assert.Equal(["x.txt"], reader.Read([new TextDocument("x.txt", "x"u8.ToArray()), new TextDocument("y.txt", "a"u8.ToArray())]).Select(document => document.Name));
        Assert.Equal(["f.jsonl:3", "y.txt"], reader.Repeated);
    }

    /// <summary>Its characters are never written, so that it takes no memory.</summary>
    [Fact]
    public void A_plain_file_that_no_text_of_dotnet_holds_is_refused()
    {
        var file = new TextDocument("long.txt", new byte[0x3FFFFFE0]);
        TextSourceException refused = Assert.Throws<TextSourceException>(() => new DocumentReader(TextTokenizer.Bytes).Read([file]));
        Assert.Equal("long.txt", refused.Location);
        Assert.Contains("It has 1,073,741,792 characters, and a document has 1,073,741,791 at most", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_a_line_has_it_is_a_document_or_broken()
    {
        string[] pieces = ["{", "}", "[", "]", ":", ",", "\"text\"", "\"messages\"", "\"role\"", "\"content\"", "\"assistant\"", "\"a\"", "1", "null", "\\ud800", "\"\\ud800\"", " ", "ä", "\u0001"];
        Gen<string> lines = Gen.Elements(pieces).ArrayOf().Select(string.Concat);
        Prop.ForAll(lines.ToArbitrary(), line =>
        {
            var reader = new DocumentReader(TextTokenizer.Bytes, skipsBroken: true);
            int read = reader.Read([Lines(line)]).Count;
            Assert.Equal(string.IsNullOrWhiteSpace(line) ? 0 : 1, read + reader.Broken.Count);
            Assert.All(reader.Broken, broken => Assert.InRange(broken.Column, 1, line.Length + 1));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithQuietOnSuccess(true));
    }

    [Fact]
    public void Files_of_records_need_not_be_text_as_a_whole()
    {
        using TemporaryFolder folder = new();
        folder.Write("a.jsonl", [0x66, 0xFC, 0x72]);
        folder.Write("b.txt", [0x66, 0xFC, 0x72]);
        TextFolder read = TextFolder.Read([folder.Path]);
        Assert.EndsWith("a.jsonl", Assert.Single(read.Documents).Name, StringComparison.Ordinal);
        Assert.EndsWith("b.txt", Assert.Single(read.Skipped), StringComparison.Ordinal);
    }

    private static TextDocument Lines(string text) => new("f.jsonl", Encoding.UTF8.GetBytes(text));

    private static string TextOf(TokenDocument document) => Encoding.UTF8.GetString([.. document.Tokens.ToArray().Select(token => (byte)token)]);
}
