using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Screen;

/// <summary>Width and height in cells of what there is to draw on.</summary>
internal readonly record struct ScreenCanvas(int Width, int Rows);

/// <summary>Lines that know how wide they are and need no wrapping.</summary>
/// <param name="lines">The lines.</param>
/// <param name="isDrawnOver">Whether they take the place of what is on the terminal, from its first row on.</param>
internal sealed class ScreenLines(IReadOnlyList<SegmentLine> lines, bool isDrawnOver = false) : Renderable
{
    private const string Home = "\e[H";
    private const string EraseLine = "\e[K";
    private const string EraseBelow = "\e[J";

    /// <summary>Terminals that know it show a picture when all of it is there; others leave it alone.</summary>
    private const string BeginPicture = "\e[?2026h", EndPicture = "\e[?2026l";

    protected override Measurement Measure(RenderOptions options, int maxWidth) => new(maxWidth, maxWidth);

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        if (isDrawnOver)
        {
            yield return Segment.Control(BeginPicture + Home);
        }

        for (int i = 0; i < lines.Count; i++)
        {
            if (i > 0)
            {
                yield return Segment.LineBreak;
            }

            // Before the line is written: behind a line that fills its row, the cursor is still on the last cell.
            if (isDrawnOver)
            {
                yield return Segment.Control(EraseLine);
            }

            foreach (Segment segment in lines[i])
            {
                yield return segment;
            }
        }

        if (isDrawnOver && lines.Count < options.ConsoleSize.Height)
        {
            yield return Segment.LineBreak;
            yield return Segment.Control(EraseBelow);
        }

        if (isDrawnOver)
        {
            yield return Segment.Control(EndPicture);
        }
    }
}

/// <summary>Puts lines together, of text that has a style.</summary>
internal static class ScreenLine
{
    public static SegmentLine Of(string text, Style? style = null) => new SegmentLine().With(text, style);

    public static SegmentLine With(this SegmentLine line, string text, Style? style = null)
    {
        if (text.Length > 0)
        {
            line.Add(new Segment(text, style ?? Style.Plain));
        }

        return line;
    }

    /// <summary>Puts things beside each other as long as they fit, and the others on the next lines.</summary>
    /// <param name="items">The things.</param>
    /// <param name="width">Cells of a line.</param>
    /// <param name="gap">Cells between two.</param>
    public static IReadOnlyList<SegmentLine> Flow(IEnumerable<SegmentLine> items, int width, int gap = 3)
    {
        List<SegmentLine> lines = [];
        foreach (SegmentLine item in items)
        {
            if (lines.Count > 0 && lines[^1].CellCount() + gap + item.CellCount() <= width)
            {
                lines[^1].With(new string(' ', gap)).AddRange(item);
            }
            else
            {
                lines.Add([.. item]);
            }
        }

        return lines;
    }
}
