using System.Text;
using MoEActors.Client.Data;

namespace MoEActors.Tests.Client.Data;

public sealed class DotNetDocumentationTests
{
    [Fact]
    public void The_sdks_own_documentation_is_a_corpus()
    {
        IReadOnlyList<TextDocument> documents = DotNetDocumentation.Read();
        ByteCorpus corpus = ByteCorpus.Divide(documents);
        IReadOnlyList<ReadOnlyMemory<byte>> windows = corpus.ValidationWindows();

        Assert.Equal(documents.Select(d => d.Name).Order(StringComparer.Ordinal), documents.Select(d => d.Name));
        Assert.InRange(corpus.TrainingBytes + corpus.ValidationBytes, 12_000_000, 15_000_000);
        Assert.InRange(windows.Count * 128, 262_144, 2 * 262_144);
        Assert.InRange(corpus.UnigramLoss(windows), 3.2, 3.3);
        string text = Encoding.UTF8.GetString(documents.Single(d => d.Name == "System.Runtime.xml").Bytes.Span);
        Assert.Contains("Gets a value that indicates whether the handle is invalid.\ntrue if the handle is not valid; otherwise, false.\n", text);
        Assert.DoesNotContain("<see", text);
        Assert.DoesNotContain("  ", text);
    }

    [Fact]
    public void Reading_it_twice_gives_the_same_bytes()
    {
        foreach ((TextDocument first, TextDocument second) in DotNetDocumentation.Read().Zip(DotNetDocumentation.Read()))
        {
            Assert.Equal(first.Name, second.Name);
            Assert.True(first.Bytes.Span.SequenceEqual(second.Bytes.Span), first.Name);
        }
    }

    [Fact]
    public void The_newest_release_with_documentation_is_taken()
    {
        using TemporaryFolder folder = new();
        WritePack(folder, "9.0.14", "B.xml", "old");
        WritePack(folder, "10.0.2", "B.xml", "new");
        WritePack(folder, "10.0.2", "a.xml", "also new");
        WritePack(folder, "10.0.2-rc.1", "C.xml", "preview");
        Directory.CreateDirectory(Path.Combine(folder.Path, "packs", "Microsoft.NETCore.App.Ref", "11.0.0", "ref", "net11.0"));

        IReadOnlyList<TextDocument> documents = DotNetDocumentation.Read(["nowhere", folder.Path]);

        Assert.Equal(["B.xml: new\n", "a.xml: also new\n"], documents.Select(d => $"{d.Name}: {Encoding.UTF8.GetString(d.Bytes.Span)}"));
    }

    [Fact]
    public void Without_documentation_the_error_says_where_it_looked_and_what_to_do()
    {
        string message = Assert.Throws<TextSourceException>(() => DotNetDocumentation.Read(["here", "there"])).Message;
        Assert.Contains("here, there", message);
        Assert.Contains("train on text of your own", message);
    }

    [Fact]
    public void A_broken_file_is_named()
    {
        using TemporaryFolder folder = new();
        WritePack(folder, "10.0.2", "Broken.xml", "<unclosed>");
        Assert.EndsWith("Broken.xml", Assert.Throws<TextSourceException>(() => DotNetDocumentation.Read([folder.Path])).Location);
    }

    private static void WritePack(TemporaryFolder folder, string version, string name, string summary) =>
        folder.Write(
            Path.Combine("packs", "Microsoft.NETCore.App.Ref", version, "ref", "net10.0", name), $"<doc><member><summary>{summary}</summary></member></doc>");
}
