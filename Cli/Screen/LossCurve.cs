using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Screen;

/// <summary>
/// The loss over the steps, on the text that is learnt and on text that is not, against the loss of a model that knows only how often each byte occurs: below
/// that line, the model has learnt something about their order.
/// </summary>
internal static class LossCurve
{
    private const int LeastPlot = 4, MostPlot = 14, LeastWidth = 24;

    /// <summary>Early in a long run the axis is as long as so many steps; it doubles as the run goes on.</summary>
    private const long LeastSteps = 32;

    private const char Level = '┄', Measured = '◆';

    /// <summary>The curve as a part of the screen.</summary>
    public static ScreenPart Part(int rank, TrainingProgress progress, int width)
    {
        if (width < LeastWidth)
        {
            return ScreenPart.Of(rank, []);
        }

        IReadOnlyList<SegmentLine> key = Key(progress, width);
        int besides = key.Count + 1;
        return new ScreenPart(rank, LeastPlot + besides, MostPlot + besides, rows => [.. Of(progress, width, Math.Max(1, rows - besides)), .. key]);
    }

    /// <summary>The plot, and the axis of steps below it.</summary>
    /// <param name="progress">The run.</param>
    /// <param name="width">Cells across, labels included.</param>
    /// <param name="rows">Rows of the plot alone.</param>
    public static IReadOnlyList<SegmentLine> Of(TrainingProgress progress, int width, int rows)
    {
        LossPoint[] losses = [.. progress.Losses.Where(point => double.IsFinite(point.Loss))];
        LossPoint[] validations = [.. progress.Validations.Where(point => double.IsFinite(point.Loss))];
        double? level = progress.FrequencyLoss is { } known && double.IsFinite(known) ? known : null;
        Scale scale = Scale.Of([.. losses.Concat(validations).Select(point => point.Loss), .. level is { } one ? [one] : Array.Empty<double>()]);
        string[] labels = Labels(scale, level, rows);
        int margin = labels.Max(WordWrap.Cells) + 1;
        int across = Math.Max(1, width - margin - 1);
        long last = LastStep(progress);
        int X(long step) => (int)Math.Round((double)Math.Clamp(step, 0, last) / last * (across * BrailleCanvas.DotsAcross - 1));
        int Y(double loss) => scale.At(loss, rows * BrailleCanvas.DotsDown);

        BrailleCanvas canvas = new(across, rows);
        for (int i = 0; i < losses.Length; i++)
        {
            LossPoint from = losses[Math.Max(0, i - 1)];
            canvas.Line(X(from.Step), Y(from.Loss), X(losses[i].Step), Y(losses[i].Loss));
        }

        HashSet<(int Column, int Row)> measured =
            [.. validations.Select(point => (X(point.Step) / BrailleCanvas.DotsAcross, Y(point.Loss) / BrailleCanvas.DotsDown))];
        int levelRow = level is { } height ? Y(height) / BrailleCanvas.DotsDown : -1;
        return
        [
            .. Enumerable.Range(0, rows).Select(row =>
                Row(labels[row].PadLeft(margin - 1), across, column =>
                    measured.Contains((column, row)) ? (Measured, Ink.Validation)
                    : !canvas.IsBlank(column, row) ? (canvas[column, row], Ink.Training)
                    : row == levelRow ? (Level, Ink.Frequencies)
                    : (' ', Style.Plain))),
            Axis(margin, across, last),
        ];
    }

    /// <summary>The right end of the axis: the run's end, or less while that is far.</summary>
    private static long LastStep(TrainingProgress progress)
    {
        long shown = LeastSteps;
        while (shown < progress.Step * 4 / 3)
        {
            shown *= 2;
        }

        return Math.Max(1, Math.Max(progress.Step, Math.Min(shown, progress.Steps ?? long.MaxValue)));
    }

    /// <summary>A label at the top, one at the bottom, and one at the level, where it is not too near to them.</summary>
    private static string[] Labels(Scale scale, double? level, int rows)
    {
        string[] labels = [.. Enumerable.Repeat("", rows)];
        labels[0] = Wording.Nats(scale.High);
        labels[^1] = Wording.Nats(scale.Low);
        if (level is { } height)
        {
            labels[scale.At(height, rows * BrailleCanvas.DotsDown) / BrailleCanvas.DotsDown] = Wording.Nats(height);
        }

        return labels;
    }

    private static SegmentLine Row(string label, int across, Func<int, (char Glyph, Style Style)> cell)
    {
        SegmentLine line = ScreenLine.Of(label, Ink.Faint).With("│", Ink.Faint);
        for (int column = 0; column < across;)
        {
            (char glyph, Style style) = cell(column);
            string run = glyph.ToString();
            for (column++; column < across && cell(column) is var next && next.Style.Equals(style); column++)
            {
                run += next.Glyph;
            }

            line.With(run, style);
        }

        return line;
    }

    private static SegmentLine Axis(int margin, int across, long last)
    {
        string right = $" step {last:N0}";
        int dashes = Math.Max(0, across - WordWrap.Cells(right));
        return ScreenLine.Of($"{new string(' ', margin - 1)}└{new string('─', dashes)}{(dashes > 0 ? right : "")}", Ink.Faint);
    }

    /// <summary>What the marks mean, and whether the model has come below the level.</summary>
    private static IReadOnlyList<SegmentLine> Key(TrainingProgress progress, int width)
    {
        // A narrow terminal has the rest of the words below their beginning.
        IEnumerable<SegmentLine> Item(string mark, Style ink, string words) => WordWrap.Lines(words, width - mark.Length - 1, int.MaxValue)
            .Select((line, row) => ScreenLine.Of(row == 0 ? mark : new string(' ', mark.Length), ink).With($" {line}"));
        List<SegmentLine> items = [.. Item("⠒⠢", Ink.Training, "loss of each step")];
        if (progress.Validations is [.., var newest])
        {
            items.AddRange(Item($"{Measured}", Ink.Validation, $"on text never trained on: {Wording.Nats(newest.Loss)}"));
        }

        if (progress.FrequencyLoss is { } level)
        {
            string passed = progress.FrequenciesPassed is { } step ? $", passed at step {step:N0}" : ", not passed yet";
            items.AddRange(Item($"{Level}{Level}", Ink.Frequencies, $"byte frequencies alone give {Wording.Nats(level)}{passed}"));
        }

        return ScreenLine.Flow(items, width);
    }
}

/// <summary>From losses to rows: the highest is at the top.</summary>
/// <param name="Low">The loss of the lowest row.</param>
/// <param name="High">The loss of the highest row.</param>
internal readonly record struct Scale(double Low, double High)
{
    /// <summary>A scale on which all of some losses are; a span around a single one, and around none.</summary>
    public static Scale Of(IReadOnlyCollection<double> losses)
    {
        if (losses.Count == 0)
        {
            return new Scale(0, 1);
        }

        (double low, double high) = (losses.Min(), losses.Max());
        double least = Math.Max(0.01, Math.Abs(high) * 0.01);
        return high - low >= least ? new Scale(low, high) : new Scale(Math.Max(0, low - least), high + least);
    }

    /// <summary>The row of a loss, the highest being 0.</summary>
    public int At(double loss, int rows) => (int)Math.Round(Math.Clamp((High - loss) / (High - Low), 0, 1) * (rows - 1));
}
