using MoEActors.Client.Data;

namespace MoEActors.Tests.Client.Data;

public sealed class TextFolderTests
{
    [Fact]
    public void Files_and_folders_are_read_as_they_are_in_the_order_of_names()
    {
        using TemporaryFolder folder = new();
        string b = folder.Write("b.txt", "\uFEFFzwei\r\n");
        string a = folder.Write("sub/a.md", "eins");
        string image = folder.Write("image.png", [137, 80, 78, 71, 0, 1]);
        string empty = folder.Write("empty.txt", "");
        folder.Write(".git/config", "hidden");

        TextFolder read = TextFolder.Read([folder.Path, b]);

        Assert.Equal([b, a], read.Documents.Select(d => d.Name));
        Assert.Equal("\uFEFFzwei\r\n"u8.ToArray(), read.Documents[0].Bytes.ToArray());
        Assert.Equal([empty, image], read.Skipped.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_missing_path_is_named()
    {
        var e = Assert.Throws<TextSourceException>(() => TextFolder.Read(["no/such/file"]));
        Assert.Equal("There is no such file or folder: no/such/file. Check the path given with --text.", e.Message);
    }

    [Fact]
    public void A_named_file_must_be_text()
    {
        using TemporaryFolder folder = new();
        string latin = folder.Write("latin.txt", [0x66, 0xFC, 0x72]);
        string zero = folder.Write("zero.txt", [0x66, 0]);
        string empty = folder.Write("empty.txt", "");
        Assert.Contains("is not UTF-8 text", Assert.Throws<TextSourceException>(() => TextFolder.Read([latin])).Message);
        Assert.Contains("is not UTF-8 text", Assert.Throws<TextSourceException>(() => TextFolder.Read([zero])).Message);
        var e = Assert.Throws<TextSourceException>(() => TextFolder.Read([empty]));
        Assert.Contains("is empty", e.Message);
        Assert.Equal(empty, e.Location);
    }

    [Fact]
    public void A_folder_without_text_is_an_error()
    {
        using TemporaryFolder folder = new();
        folder.Write("empty.txt", "");
        Assert.Contains(folder.Path, Assert.Throws<TextSourceException>(() => TextFolder.Read([folder.Path])).Message);
    }

    [Fact]
    public void A_linked_folder_is_read_and_a_link_that_leads_back_is_not()
    {
        using TemporaryFolder folder = new(), other = new();
        folder.Write("inner/one.txt", "one");
        other.Write("two.txt", "two");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "inner", "back"), folder.Path);
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "inner", "self"), "../inner");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "other"), other.Path);
        TextFolder text = TextFolder.Read([folder.Path]);
        Assert.Equal(
            [Path.Combine(folder.Path, "inner", "one.txt"), Path.Combine(folder.Path, "other", "two.txt")],
            text.Documents.Select(document => document.Name));
        Assert.Empty(text.Skipped);
    }
}
