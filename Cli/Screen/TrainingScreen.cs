using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Screen;

/// <summary>The screen of a run: what is most worth knowing, as far as there are rows for it.</summary>
internal static class TrainingScreen
{
    private const int NotesShown = 3;

    /// <summary>Draws a state.</summary>
    /// <param name="state">What to show.</param>
    /// <param name="canvas">What there is to draw on; no line is wider, and there are no more lines.</param>
    /// <param name="now">Clocks and highlights go by it.</param>
    public static IReadOnlyList<SegmentLine> Of(ScreenState state, ScreenCanvas canvas, DateTimeOffset now)
    {
        int width = canvas.Width;
        if (state.Progress is not { } progress)
        {
            return ScreenPart.Stack([ScreenPart.Of(1, [Headline.Title(state.Name, width)]), Phases(state, width, now)], canvas.Rows);
        }

        return ScreenPart.Stack(
            [
                ScreenPart.Of(1, [Headline.Of(state, progress, width, now)]),
                Figures(2, [.. TrainingFigures.Of(progress), .. Announcement(state)], width),
                LossCurve.Part(3, progress, width),
                ExpertGrid.Part(4, progress, width, now),
                SampleText.Part(5, progress.Sample, width),
                Texts(6, TrainingFigures.DecisionOf(progress) is { } decision ? [decision] : [], width, Style.Plain),
                Texts(7, [.. progress.Notes.Where(note => !note.IsDecision).TakeLast(NotesShown).Select(note => VisibleText.OfName(note.ToString()))], width, Ink.Faint),
            ],
            canvas.Rows);
    }

    private static IEnumerable<string> Announcement(ScreenState state) => state.Announcement is { } line ? [line] : [];

    /// <summary>What has been done before the first step, and what is being done.</summary>
    private static ScreenPart Phases(ScreenState state, int width, DateTimeOffset now)
    {
        SegmentLine[] lines =
        [
            .. Announcement(state).SelectMany(line => Whole(line, width, Style.Plain)),
            .. state.Done.SelectMany(phase => Whole(phase.InWords(now), width, Ink.Faint)),
            .. state.Phase is { } current ? Whole(current.InWords(now), width, Style.Plain) : [],
        ];
        return new ScreenPart(2, Math.Min(1, lines.Length), lines.Length, rows => [.. lines.TakeLast(rows)]);
    }

    /// <summary>Figures beside each other; where there are rows enough, with all of their words.</summary>
    private static ScreenPart Figures(int rank, string[] figures, int width)
    {
        IReadOnlyList<SegmentLine> inShort = ScreenLine.Flow(figures.Select(figure => ScreenLine.Of(WordWrap.Fit(figure, width))), width);
        IReadOnlyList<SegmentLine> whole = ScreenLine.Flow(figures.SelectMany(figure => Whole(figure, width, Style.Plain)), width);
        return new ScreenPart(rank, inShort.Count, Math.Max(inShort.Count, whole.Count), rows => rows >= whole.Count ? whole : inShort);
    }

    /// <summary>Texts below each other: the last of them, a row each; where there are rows enough, with all of their words.</summary>
    private static ScreenPart Texts(int rank, string[] texts, int width, Style style)
    {
        SegmentLine[] whole = [.. texts.SelectMany(text => Whole(text, width, style))];
        return new ScreenPart(rank, Math.Min(1, texts.Length), whole.Length, rows =>
            rows >= whole.Length ? whole : [.. texts.TakeLast(rows).Select(text => ScreenLine.Of(WordWrap.Fit(text, width), style))]);
    }

    private static IEnumerable<SegmentLine> Whole(string text, int width, Style style) =>
        WordWrap.Lines(text, width, int.MaxValue).Select(row => ScreenLine.Of(row, style));
}

/// <summary>The first line: which run, how far it is, how long it takes; or what it does besides steps.</summary>
internal static class Headline
{
    /// <summary>A shorter bar says nothing.</summary>
    private const int LeastBar = 8;

    /// <summary>A run before its first step.</summary>
    public static SegmentLine Title(string name, int width) => ScreenLine.Of(WordWrap.Fit(VisibleText.OfName(name), width), Ink.Strong);

    public static SegmentLine Of(ScreenState state, TrainingProgress progress, int width, DateTimeOffset now)
    {
        string time = state.Phase is { } phase ? phase.InWords(now) : string.Join(", ", TrainingFigures.TimeOf(progress));
        string percent = $"{progress.Fraction * 100:0}%";
        string step = Wording.Step(progress.Step, progress.Steps);

        // The name gives way first, then the bar, then the time.
        string name = WordWrap.Fit(VisibleText.OfName(state.Name), Math.Max(8, width / 4));
        int fixedCells = WordWrap.Cells(step) + 1 + WordWrap.Cells(percent) + 2 + WordWrap.Cells(time);
        int bar = width - fixedCells - WordWrap.Cells(name) - 2 - 2;
        if (bar < LeastBar)
        {
            string line = $"{name}  {step} {percent}  {time}";
            return ScreenLine.Of(WordWrap.Fit(line, width), Ink.Strong);
        }

        int done = (int)Math.Round(progress.Fraction * bar);
        return ScreenLine.Of(name, Ink.Strong).With("  ").With(step, Ink.Strong).With(" ")
            .With(new string('━', done), Ink.Done).With(new string('┄', bar - done), Ink.Ahead)
            .With($" {percent}  ").With(time);
    }
}
