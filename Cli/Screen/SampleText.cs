using MoEActors.Cli.Progress;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Screen;

/// <summary>What the model wrote last: the beginning that was given, and how it went on.</summary>
internal static class SampleText
{
    private const int MostRows = 4;

    /// <summary>The sample as a part of the screen; nothing before there is one.</summary>
    public static ScreenPart Part(int rank, WrittenSample? sample, int width) =>
        sample is not null && Heading(sample, width).Count is var heading
            ? new ScreenPart(rank, heading + 1, heading + MostRows, rows => Of(sample, width, rows))
            : ScreenPart.Of(rank, []);

    /// <summary>The sample in so many rows at most.</summary>
    public static IReadOnlyList<SegmentLine> Of(WrittenSample sample, int width, int rows)
    {
        string prompt = Visible(sample.Prompt);
        string all = Visible(sample.Prompt + sample.Text);
        List<SegmentLine> lines = [.. Heading(sample, width).Select(line => ScreenLine.Of(line, Ink.Faint))];
        int given = all.StartsWith(prompt, StringComparison.Ordinal) ? prompt.Length : 0;
        int at = 0;
        foreach (string line in WordWrap.Lines(all, width, Math.Max(1, rows - lines.Count)))
        {
            // Between two lines a space is gone, unless a long word was cut.
            at += at > 0 && at < all.Length && all[at] == ' ' ? 1 : 0;
            int faint = Math.Clamp(given - at, 0, line.Length);
            lines.Add(ScreenLine.Of(line[..faint], Ink.Faint).With(line[faint..], Ink.Strong));
            at += line.Length;
        }

        return lines;
    }

    private static IReadOnlyList<string> Heading(WrittenSample sample, int width) =>
        WordWrap.Lines($"after step {sample.Step:N0} the model goes on from the words given:", width, int.MaxValue);

    private static string Visible(string text) => WordWrap.InOneLine(VisibleText.Of(text.ReplaceLineEndings("\n")));
}
