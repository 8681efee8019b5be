using System.Diagnostics;
using System.Text;
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
        Assert.Equal($"There is no such file or folder: no/such/file. It was looked for in {Environment.CurrentDirectory}.", e.Message);
        Assert.EndsWith("/no/such/file. Check the path.", Assert.Throws<TextSourceException>(() => TextFolder.Read(["/no/such/file"])).Message, StringComparison.Ordinal);
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
    public void A_text_is_one_document_by_whatever_names_it_is_there()
    {
        using TemporaryFolder folder = new();
        string In(string name) => Path.Combine(folder.Path, name);

        // As a download cache has it: blobs, and links to them.
        string first = folder.Write("blobs/1", "first");
        string second = folder.Write("blobs/2", "second");
        Directory.CreateDirectory(In("a-snapshots/v1"));
        File.CreateSymbolicLink(In("a-snapshots/v1/one.txt"), "../../blobs/1");
        File.CreateSymbolicLink(In("a-snapshots/v1/two.txt"), "../../blobs/2");
        Directory.CreateSymbolicLink(In("a-snapshots/latest"), "v1");
        string copy = folder.Write("copy.txt", "first");
        TextFolder read = TextFolder.Read([folder.Path, folder.Path, In("blobs")]);
        Assert.Equal([first, second], read.Documents.Select(document => document.Name));
        Assert.Equal(
            [In("a-snapshots/latest"), In("a-snapshots/v1/one.txt"), In("a-snapshots/v1/two.txt"), In("blobs"), copy, folder.Path],
            read.Repeated.Order(StringComparer.Ordinal).OrderBy(name => name == folder.Path));
        Assert.Empty(read.Skipped);

        // The files that were named stay, whatever else they are reached by.
        Assert.Equal([copy, second], TextFolder.Read([folder.Path, copy, copy]).Documents.Select(document => document.Name).Order(StringComparer.Ordinal).Reverse());
    }

    /// <summary>Some editors put a mark of the encoding in front.</summary>
    [Theory]
    [InlineData("text", "\uFEFFtext", true)]
    [InlineData("\uFEFFtext", "text", true)]
    [InlineData("text", "\uFEFF\uFEFFtext", false)]
    [InlineData("text", "te\uFEFFxt", false)]
    public void A_byte_order_mark_makes_no_other_text_of_a_copy(string first, string second, bool isCopy)
    {
        using TemporaryFolder folder = new();
        folder.Write("a.txt", first);
        string other = folder.Write("b.txt", second);
        TextFolder read = TextFolder.Read([folder.Path]);
        Assert.Equal(isCopy ? [first] : [first, second], read.Documents.Select(document => Encoding.UTF8.GetString(document.Bytes.Span)));
        Assert.Equal(isCopy ? [other] : [], read.Repeated);
    }

    [Fact]
    public void Links_in_circles_are_skipped_and_end_nothing()
    {
        using TemporaryFolder folder = new();
        string In(string name) => Path.Combine(folder.Path, name);
        folder.Write("a/one.txt", "one");
        folder.Write("b/two.txt", "two");
        Directory.CreateSymbolicLink(In("a/to-b"), "../b");
        Directory.CreateSymbolicLink(In("b/to-a"), "../a");
        File.CreateSymbolicLink(In("x"), "x");
        File.CreateSymbolicLink(In("y"), "z");
        File.CreateSymbolicLink(In("z"), "y");
        foreach (string[] paths in new string[][] { [folder.Path], [In("a")], [In("b")] })
        {
            TextFolder read = TextFolder.Read(paths);
            Assert.Equal(["one.txt", "two.txt"], read.Documents.Select(document => Path.GetFileName(document.Name)).Order(StringComparer.Ordinal));
            Assert.Equal(paths[0] == folder.Path ? [In("x"), In("y"), In("z")] : [], read.Skipped.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task A_name_that_is_no_utf_8_is_read_and_shown()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Names are Unicode here.");
        using TemporaryFolder folder = new();
        folder.Write("plain\uFFFD.txt", "plain");
        await ShellAsync(folder.Path, "printf one > \"$(printf 'caf\\351.txt')\" && mkdir \"$(printf 'd\\377')\" && printf two > \"$(printf 'd\\377/two.txt')\"");
        try
        {
            TextFolder read = TextFolder.Read([folder.Path]);
            Assert.Equal(
                [Path.Combine(folder.Path, @"caf\xe9.txt"), Path.Combine(folder.Path, @"d\xff", "two.txt"), Path.Combine(folder.Path, "plain\uFFFD.txt")],
                read.Documents.Select(document => document.Name));
            Assert.Equal(["one", "two", "plain"], read.Documents.Select(document => System.Text.Encoding.UTF8.GetString(document.Bytes.Span)));
            Assert.Empty(read.Skipped);
        }
        finally
        {
            // .NET has no name to delete them by.
            await ShellAsync(folder.Path, "rm -r ./*");
        }
    }

    private static async Task ShellAsync(string folder, string command)
    {
        using Process shell = Process.Start(new ProcessStartInfo("sh", ["-c", command]) { WorkingDirectory = folder })!;
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
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
