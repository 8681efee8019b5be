using MoEActors.Cli.Progress;
using MoEActors.Cli.Screen;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Tests.Cli.Screen;

/// <summary>A cell per expert: load, silo, copies, moves; and a legend of all of it.</summary>
public sealed class ExpertGridTests
{
    private const string Bars = "·▁▂▃▄▅▆▇█*";

    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(1, 2, 2)]
    [InlineData(4, 8, 4)]
    [InlineData(2, 64, 8)]
    [InlineData(24, 256, 32)]
    [InlineData(24, 16, 3)]
    [InlineData(1, 1000, 40)]
    public void Every_letter_and_mark_of_the_grid_is_in_the_legend(int layers, int experts, int silos)
    {
        TrainingProgress progress = ScreenCase.Progress(layers, experts, silos) with { Moved = [new(0, 1, ScreenCase.Now)] };
        foreach ((int width, Func<ScreenPart, int> rowsOf) in new[] { 60, 80, 100, 140 }.SelectMany(width =>
            new Func<ScreenPart, int>[] { part => part.Least, part => part.Least + 7, part => part.Most }.Select(rows => (width, rows))))
        {
            ScreenPart part = ExpertGrid.Part(1, progress, width, ScreenCase.Now);
            int rows = rowsOf(part);
            string[] shown = ScreenCase.Shown(part, width, rows);
            int grid = Array.FindIndex(shown, line => line.StartsWith("A ", StringComparison.Ordinal));
            Assert.InRange(grid, 1, rows);
            string legend = string.Join(' ', shown[grid..]);
            foreach (char glyph in shown[..grid].SelectMany(line => line.StartsWith("layer", StringComparison.Ordinal) ? line["layer 10".Length..] : line).Where(glyph => glyph != ' '))
            {
                if (char.IsAsciiLetterUpper(glyph) || char.IsAsciiDigit(glyph))
                {
                    Assert.Contains($"{glyph} silo-", legend, StringComparison.Ordinal);
                }
                else if (char.IsAsciiLetterLower(glyph))
                {
                    Assert.Contains("a copies on A and others", legend, StringComparison.Ordinal);
                }
                else if (Bars.Contains(glyph))
                {
                    Assert.Contains(glyph == '*' ? "* has just moved" : "load: none, little, mean, twice the mean or more", legend, StringComparison.Ordinal);
                }
                else if (glyph == '#')
                {
                    Assert.Contains("# silo-36", legend, StringComparison.Ordinal);
                }
                else
                {
                    Assert.Equal('+', glyph);
                    Assert.Contains("A+ on three or more", legend, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void A_cell_has_load_silo_and_copies()
    {
        TrainingProgress progress = ScreenCase.Progress(1, 6, 4) with
        {
            Layers = [new(3, [new(0, [0]), new(0.1, [1]), new(1, [2]), new(5, [3]), new(1, [0, 2]), new(1.5, [1, 2, 3])])],
        };
        Assert.Equal("layer 3 ·A  ▁B  ▄C  █D  ▄AC ▆B+", Shown(progress)[0]);
    }

    [Fact]
    public void What_has_just_moved_stands_out_for_two_seconds()
    {
        TrainingProgress progress = ScreenCase.Progress(2, 3, 3) with
        {
            Layers = [new(0, [new(1, [0]), new(1, [1]), new(1, [0, 1])]), new(1, [new(1, [0]), new(1, [1]), new(1, [2])])],
            Moved = [new(0, 1, ScreenCase.Now), new(0, 2, ScreenCase.Now.AddSeconds(-1))],
        };
        Assert.Equal(["layer 0 ▄A  ▄B* ▄AB*", "layer 1 ▄A  ▄B  ▄C"], Shown(progress)[..2]);
        IReadOnlyList<SegmentLine> lines = ExpertGrid.Of(progress, 80, 10, ScreenCase.Now);
        Assert.Equal("▄B*▄AB*", string.Concat(lines[0].Where(part => part.Style.Decoration.HasFlag(Decoration.Invert)).Select(part => part.Text)));
        Assert.Equal("layer 0 ▄A  ▄B* ▄AB", Shown(progress, ScreenCase.Now.AddSeconds(1.5))[0]);
        Assert.Equal("layer 0 ▄A  ▄B  ▄AB", Shown(progress, ScreenCase.Now.AddSeconds(2))[0]);
    }

    [Fact]
    public void Letters_and_cells_have_the_colour_of_their_silo_and_copies_have_two()
    {
        TrainingProgress progress = ScreenCase.Progress(1, 2, 2) with { Layers = [new(0, [new(1, [0]), new(1, [1, 0])])] };
        IReadOnlyList<SegmentLine> lines = ExpertGrid.Of(progress, 80, 10, ScreenCase.Now);
        Color Of(string text, int line) => lines[line].First(part => part.Text.StartsWith(text, StringComparison.Ordinal)).Style.Foreground;
        Assert.NotEqual(Of("▄A", 0), Of("▄B", 0));
        Assert.Equal(Of("A silo-0", 1), Of("▄A", 0));
        Assert.Equal(Of("B silo-1", 1), Of("▄B", 0));
        Assert.Equal(Of("A silo-0", 1), Of("A", 0));
    }

    [Theory]
    [InlineData(4, 8, 72, 4, 4, 8, 1, 1, 4)]
    [InlineData(4, 32, 72, 8, 4, 16, 2, 1, 4)]
    [InlineData(4, 32, 72, 4, 2, 32, 1, 1, 4)]
    [InlineData(24, 256, 130, 24, 2, 64, 1, 4, 24)]
    [InlineData(24, 256, 130, 10, 2, 64, 1, 4, 10)]
    [InlineData(1, 2, 16, 1, 4, 2, 1, 1, 1)]
    [InlineData(1, 7, 1, 1, 2, 1, 1, 7, 1)]
    public void The_most_telling_layout_that_fits_is_taken(
        int layers, int experts, int width, int rows, int cell, int perLine, int lines, int group, int shown)
    {
        var layout = GridLayout.For(layers, experts, width, rows);
        Assert.Equal(new GridLayout(cell, perLine, lines, group, shown), layout);
        Assert.InRange(layout.Lines, 1, rows);
    }

    [Fact]
    public void What_there_is_no_room_for_is_said()
    {
        ScreenPart part = ExpertGrid.Part(1, ScreenCase.Progress(24, 256, 4), 140, ScreenCase.Now);
        string shown = string.Join('\n', ScreenCase.Shown(part, 140, 14));
        Assert.Contains("a cell: the busiest of 4 experts", shown, StringComparison.Ordinal);
        Assert.Matches(@"\b[0-9]+ of 24 layers: there is no room for more", shown);
        Assert.DoesNotContain("busiest of", string.Join('\n', ScreenCase.Shown(ExpertGrid.Part(1, ScreenCase.Progress(), 140, ScreenCase.Now), 140, 10)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_group_shows_its_busiest_expert_and_highlights_whoever_moved()
    {
        ExpertPlace[] experts = [.. Enumerable.Range(0, 200).Select(expert => new ExpertPlace(expert == 57 ? 2 : 0.1, [expert == 57 ? 1 : 0]))];
        TrainingProgress progress = ScreenCase.Progress(1, 200, 2) with { Layers = [new(0, experts)], Moved = [new(0, 199, ScreenCase.Now)] };
        string line = ScreenCase.Shown(ExpertGrid.Of(progress, 60, 5, ScreenCase.Now), 60)[0];
        Assert.Equal(1, line.Count(glyph => glyph == 'B'));
        Assert.Contains("█B", line, StringComparison.Ordinal);
        Assert.EndsWith("*A", line, StringComparison.Ordinal);
    }

    private static string[] Shown(TrainingProgress progress, DateTimeOffset? now = null) => ScreenCase.Shown(ExpertGrid.Of(progress, 80, 10, now ?? ScreenCase.Now), 80);
}
