using MoEActors.Cli.Invocation;

namespace MoEActors.Tests.Cli.Invocation;

/// <summary>Lines that end between words.</summary>
public sealed class WordWrapTests
{
    [Theory]
    [InlineData("alpha beta gamma", 16, "alpha beta gamma")]
    [InlineData("alpha beta gamma", 15, "alpha beta …")]
    [InlineData("alpha beta gamma", 12, "alpha beta …")]
    [InlineData("alpha beta gamma", 11, "alpha …")]
    [InlineData("alpha beta gamma", 6, "alpha…")]
    [InlineData("alpha beta gamma", 5, "alph…")]
    [InlineData("alphabetical", 6, "alpha…")]
    [InlineData("alphabetical", 1, "…")]
    [InlineData("漢字漢字", 5, "漢字…")]
    [InlineData("漢字漢字", 4, "漢…")]
    [InlineData("漢字漢字", 2, "…")]
    [InlineData("  a \n b\t", 80, "a b")]
    [InlineData("", 10, "")]
    [InlineData("a\u0001\u0002\u0003\u0004 b\u007f c", 6, "a\u0001\u0002\u0003\u0004…")]
    [InlineData("\uFFFD\uFFFD\uFFFD b", 4, "\uFFFD\uFFFD\uFFFD…")]
    public void A_line_ends_with_a_word_and_an_ellipsis(string text, int width, string line)
    {
        Assert.Equal(line, WordWrap.Fit(text, width));
        Assert.InRange(WordWrap.Cells(line), 0, width);
    }

    [Fact]
    public void Lines_are_as_full_as_words_let_them_be()
    {
        Assert.Equal(["one two", "three", "four"], WordWrap.Lines("one two three four", 8, 10));
        Assert.Equal(["one two", "three …"], WordWrap.Lines("one two three four", 8, 2));
        Assert.Equal(["aaaaa", "aaa b"], WordWrap.Lines("aaaaaaaa b", 5, 10));
        Assert.Equal(["漢字", "漢"], WordWrap.Lines("漢字漢", 5, 10));
        Assert.Equal(["a", "b"], WordWrap.Lines("ab", 1, 10));
        Assert.Empty(WordWrap.Lines("one", 10, 0));
    }

    [Fact]
    public void What_is_one_character_to_the_eye_stays_one()
    {
        // A letter with a combining mark, and a flag of two code points.
        Assert.Equal(["ae\u0301", "b"], WordWrap.Lines("ae\u0301b", 2, 10));
        Assert.All(WordWrap.Lines("😀😀😀", 3, 10), line => Assert.Equal("😀", line));
    }

    [Theory]
    [InlineData("a plain line of some words", 12, "a plain line|of some|words")]
    [InlineData("  indented words", 10, "  indented|  words")]
    [InlineData("good     devices        one CPU device for each silo", 40, "good     devices        one CPU device|         for each silo")]
    [InlineData("  --config <FILE>     Read a JSON file (see docs/configuration.md)", 40, "  --config <FILE>     Read a JSON file|      (see docs/configuration.md)")]
    [InlineData("  --config <FILE>     Read a JSON file (see docs/configuration.md)", 50, "  --config <FILE>     Read a JSON file (see|                      docs/configuration.md)")]
    [InlineData("12345678901234567890", 8, "12345678|90123456|7890")]
    [InlineData("漢字漢字漢字", 5, "漢字|漢字|漢字")]
    [InlineData("short", 80, "short")]
    [InlineData("", 80, "")]
    [InlineData("word", 1, "w|o|r|d")]
    public void A_line_that_is_too_long_goes_on_below(string line, int width, string rows)
    {
        Assert.Equal(rows.Split('|'), WordWrap.Rows(line, width));
    }

    /// <summary>What comes piece by piece is shown as soon as it is known where its words end.</summary>
    [Fact]
    public void A_line_that_comes_in_pieces_ends_between_words_too()
    {
        using StringWriter terminal = new() { NewLine = "\n" };
        using (ProgramWriter writer = new(terminal, isTerminal: true, "standard output", columns: () => 12))
        {
            foreach (string piece in new[] { "The qu", "ick bro", "wn fox", "\njumps over the la", "zy dog" })
            {
                writer.Write(piece);
                writer.Flush();
            }

            Assert.Equal("The quick\nbrown fox\njumps over\nthe lazy", terminal.ToString());
            writer.WriteLine();
            writer.WriteLine("a line of its own, wrapped");
            writer.Write("rest");
        }

        Assert.Equal("The quick\nbrown fox\njumps over\nthe lazy dog\na line of\nits own,\nwrapped\nrest", terminal.ToString());
    }

    [Fact]
    public void A_line_that_is_drawn_over_is_never_wider_than_the_terminal()
    {
        using StringWriter terminal = new();
        DrawnLine line = new(terminal, () => 12);
        line.Show("one two three four");
        line.Show("one");
        line.Clear();
        line.Clear();
        Assert.Equal("\rone two …\rone      \r   \r", terminal.ToString());
    }
}
