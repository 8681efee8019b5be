using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Tests.Cli.Runs;

namespace MoEActors.Tests.Cli.Invocation;

/// <summary>What a terminal would act on instead of showing it.</summary>
public sealed class VisibleTextTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData("\e[31mred", @"\x1b[31mred")]
    [InlineData("\e]0;title\a", @"\x1b]0;title\x07")]
    [InlineData("over\rwritten\b", @"over\x0dwritten\x08")]
    [InlineData("\u009b2J\u007f", @"\x9b2J\x7f")]
    [InlineData("a\u202egnp.exe", @"a\u202egnp.exe")]
    [InlineData("one\u2028two\u2066", @"one\u2028two\u2066")]
    [InlineData("nul\0", @"nul\x00")]
    [InlineData("line\n\ttab, größe, 漢字, 😀", "line\n\ttab, größe, 漢字, 😀")]
    public void A_terminal_is_shown_what_it_would_do(string text, string shown)
    {
        Assert.Equal(shown, VisibleText.Of(text));
        Assert.Equal(shown, Written(isTerminal: true, writer => writer.Write(text)));
        Assert.Equal(shown, Written(isTerminal: true, writer => writer.Write(text.AsSpan())));
        Assert.Equal(shown, Written(isTerminal: true, writer => writer.Write(text.ToCharArray(), 0, text.Length)));
        Assert.Equal(shown, Written(isTerminal: true, writer =>
        {
            foreach (char character in text)
            {
                writer.Write(character);
            }
        }));
        Assert.Equal(shown + Environment.NewLine, Written(isTerminal: true, writer => writer.WriteLine(text)));
        Assert.Equal(text, Written(isTerminal: false, writer => writer.Write(text)));
        Assert.Equal(text + Environment.NewLine, Written(isTerminal: false, writer => writer.WriteLine(text)));
    }

    [Fact]
    public void A_name_inside_a_line_does_not_end_it() => Assert.Equal(@"a\x0amoe: done\x09", VisibleText.OfName("a\nmoe: done\t"));

    [Theory]
    [InlineData("train", "--name", "@")]
    [InlineData("train", "--text", "t", "--config", "@")]
    [InlineData("train", "--text", "t", "--steps", "@")]
    [InlineData("train", "--text", "@", "--steps", "1")]
    [InlineData("train", "--text", "t", "--json", "no-folder/@")]
    [InlineData("plot", "one", "--out", "@")]
    [InlineData("generate", "@")]
    [InlineData("--@")]
    [InlineData("@")]
    public async Task What_was_typed_makes_no_second_line_of_an_error(params string[] arguments)
    {
        CommandLineRun run = await CommandLineRun.Of([.. arguments.Select(word => word.Replace("@", "a\u001b[2J\nmoe: done\u202e", StringComparison.Ordinal))]);
        Assert.NotEqual(0, run.ExitCode);
        Assert.Single(run.Error.TrimEnd().ReplaceLineEndings("\n").Split('\n'));
    }

    [Fact]
    public async Task Every_mistake_of_a_file_has_one_line()
    {
        string file = _runs.Write("train.json", """{ "te\u001b[2J\nxt": 1, "steps": "a\nb" }""");
        CommandLineRun run = await CommandLineRun.Of("train", "--config", file);
        Assert.DoesNotContain('\e', run.Error);
        string[] lines = run.Error.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.StartsWith(@"  $.te\x1b[2J\x0axt is not known", lines[1], StringComparison.Ordinal);
        Assert.All(lines[1..^1], line => Assert.StartsWith("  $.", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_names_of_skipped_files_are_shown_and_only_the_first_of_many()
    {
        foreach (int i in Enumerable.Range(0, 9))
        {
            _runs.Write($"texts/{i}\n\e[2J.bin", "\0");
        }

        _runs.Write("texts/good.txt", await File.ReadAllTextAsync(_runs.Text, TestContext.Current.CancellationToken));
        CommandLineRun run = await CommandLineRun.Of(
            [.. _runs.Train("run", "--steps 1").Select(word => word == _runs.Text ? Path.Combine(_runs.Path, "texts") : word)]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.DoesNotContain('\e', run.Error);
        Assert.Contains(@"lead nowhere (9): ", run.Error, StringComparison.Ordinal);
        Assert.Contains(@"0\x0a\x1b[2J.bin", run.Error, StringComparison.Ordinal);
        Assert.Contains(@"4\x0a\x1b[2J.bin and 4 more", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_shows_a_name_as_it_is()
    {
        _runs.Folder("run\e[2J\nother: done").Write(new RunStatus
        {
            Name = "begun",
            State = RunState.Failed,
            Error = "tensor '\e[8m' is missing",
            Step = 1,
            Steps = 2,
            Silos = 1,
            Process = 1,
            Machine = "elsewhere",
            UpdatedAt = DateTimeOffset.UnixEpoch,
        });
        CommandLineRun run = await CommandLineRun.Of("status", "--runs", _runs.Path);
        Assert.StartsWith(@"run\x1b[2J\x0aother: done: failed", run.Output, StringComparison.Ordinal);
        Assert.Contains(@"tensor '\x1b[8m' is missing", run.Output, StringComparison.Ordinal);
        Assert.Single(run.Output.TrimEnd().Split('\n'));
    }

    private static string Written(bool isTerminal, Action<TextWriter> write)
    {
        using StringWriter inner = new();
        using ProgramWriter writer = new(inner, isTerminal, "standard output");
        write(writer);
        return inner.ToString();
    }
}
