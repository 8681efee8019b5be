using MoEActors.Cli.Progress;
using MoEActors.Cli.Screen;

namespace MoEActors.Tests.Cli.Screen;

/// <summary>What the model writes, on the screen.</summary>
public sealed class SampleTextTests
{
    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(140)]
    public void Words_stay_whole_and_what_is_left_out_is_an_ellipsis(int width)
    {
        string[] words = ScreenCase.Words.Split(' ');
        foreach (int rows in new[] { 2, 3, 4 })
        {
            string[] shown = ScreenCase.Shown(SampleText.Of(new WrittenSample(340, "Gets the", ScreenCase.Words["Gets the".Length..]), width, rows), width);
            Assert.StartsWith("after step 340 ", shown[0], StringComparison.Ordinal);
            string[] written = [.. shown[1..].SelectMany(line => line.Split(' '))];
            Assert.Equal(words.Take(written.Length - (written[^1] == "…" ? 1 : 0)), written.Where(word => word != "…"));
            Assert.Equal(written[^1] != "…", written.Length == words.Length);
        }
    }

    [Theory]
    [InlineData("a\e[2Jb", "a\\x1b[2Jb")]
    [InlineData("a\rb\u0000c", "a b\\x00c")]
    [InlineData("a\n\n\tb   c", "a b c")]
    [InlineData("a\u202Eb", "a\\u202eb")]
    [InlineData("a\u2028b", "a b")]
    [InlineData("[red]a[/]", "[red]a[/]")]
    [InlineData("über 漢字 \uFFFD", "über 漢字 \uFFFD")]
    public void What_would_move_the_cursor_is_shown_as_what_it_is(string text, string shown) =>
        Assert.Equal($"Gets {shown}", ScreenCase.Shown(SampleText.Of(new WrittenSample(1, "Gets ", text), 80, 3), 80)[1]);

    [Fact]
    public void What_was_given_looks_different_from_what_was_written()
    {
        foreach (int width in new[] { 7, 10, 80 })
        {
            var lines = SampleText.Of(new WrittenSample(1, "one two three", " four five"), width, 30);
            string Of(Spectre.Console.Style style) => string.Concat(lines.SkipWhile(line => !Text(line).EndsWith("given:", StringComparison.Ordinal)).Skip(1).Select(line =>
                string.Concat(line.Where(part => part.Style.Equals(style)).Select(part => part.Text)) + " ")).Replace(" ", "", StringComparison.Ordinal);
            Assert.Equal("onetwothree", Of(Ink.Faint));
            Assert.Equal("fourfive", Of(Ink.Strong));
        }
    }

    [Fact]
    public void A_word_that_is_longer_than_a_line_is_cut_as_a_last_resort()
    {
        string[] shown = ScreenCase.Shown(SampleText.Of(new WrittenSample(1, "a", new string('x', 150)), 60, 4), 60);
        Assert.Equal(151, shown[1..].Sum(line => line.Length));
    }

    [Theory]
    [InlineData(24)]
    [InlineData(40)]
    [InlineData(51)]
    [InlineData(60)]
    public void A_narrow_terminal_has_the_whole_heading_and_some_of_the_sample(int width)
    {
        ScreenPart part = SampleText.Part(1, new WrittenSample(340, "Gets the", " rest of it"), width);
        string[] shown = ScreenCase.Shown(part, width, part.Least);
        Assert.Equal(part.Least, shown.Length);
        Assert.StartsWith("after step 340 the model goes on from the words given: Gets the", string.Join(' ', shown), StringComparison.Ordinal);
    }

    private static string Text(IEnumerable<Spectre.Console.Rendering.Segment> line) => string.Concat(line.Select(part => part.Text));
}
