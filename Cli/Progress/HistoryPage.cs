using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Progress;

/// <summary>A run's history on a page.</summary>
internal static class HistoryPage
{
    private const int Shown = 8;

    /// <summary>The table's columns: those of lower rank are left out where not all fit.</summary>
    private static readonly Column[] Table =
    [
        new("steps", 17, 0, row => row.First == row.Last ? $"{row.First:N0}" : $"{row.First:N0}-{row.Last:N0}"),
        new("loss", 8, 1, row => $"{row.Loss:0.000}"),
        new("norm", 8, 5, row => $"{row.GradientNorm:0.000}"),
        new("rate", 8, 6, row => $"{row.LearningRate:0.0e+0}"),
        new("tokens/s", 10, 3, row => $"{row.TokensPerSecond:N0}"),
        new("unevenness", 10, 2, row => row.Balance is { } ratio ? $"{ratio:0.00}" : "-"),
        new("dropped", 8, 4, row => $"{row.DroppedShare * 100:0.0}%"),
    ];

    /// <summary>From the lowest to the highest loss of a row.</summary>
    private const string Bars = "▁▂▃▄▅▆▇█";

    /// <summary>Writes the page.</summary>
    /// <param name="summary">What is on it.</param>
    /// <param name="all">Whether everything is told that happened, rather than the last few of each kind.</param>
    /// <param name="writer">Where it is written.</param>
    /// <param name="columns">Columns that there are.</param>
    public static void Write(RunSummary summary, bool all, TextWriter writer, int columns)
    {
        int width = Math.Max(columns, Table[0].Width + 1 + Table[1].Width);
        if (summary.Rows is not [var first, ..] || summary.Began is not { } began || summary.Ended is not { } ended)
        {
            writer.WriteLine($"{summary.Name}: no step yet.");
            WriteMissing(summary, writer);
            return;
        }

        SummaryRow last = summary.Rows[^1];
        Paragraph($"{VisibleText.OfName(summary.Name)}: steps {first.First:N0} to {last.Last:N0}, {began.ToLocalTime():yyyy-MM-dd HH:mm:ss} to {ended.ToLocalTime():yyyy-MM-dd HH:mm:ss}");
        Paragraph($"training loss {first.Loss:0.000} to {last.Loss:0.000}  {Sparkline(summary.Rows)}");
        if (summary.Best is { } best)
        {
            Paragraph($"validation loss {best.Loss:0.000} at step {best.Step:N0}, the lowest of {summary.Evaluations.Count}");
        }

        writer.WriteLine();
        Column[] shown = ColumnsIn(width);
        writer.WriteLine(string.Join(' ', shown.Select(column => column.Title.PadLeft(column.Width))));
        foreach (SummaryRow row in summary.Rows)
        {
            writer.WriteLine(string.Join(' ', shown.Select(column => column.Cell(row).PadLeft(column.Width))));
        }

        Write("stopped and resumed", [.. summary.Resumes.Select(one => $"step {one.Step:N0}: {At(one.Time)} on {Wording.Count(one.Silos, "silo")}")]);
        Write("evaluations", [.. summary.Evaluations.Select(one => $"step {one.Step:N0}: loss {Wording.Nats(one.Loss)}{(one == summary.Best ? ", the lowest" : "")}")]);
        Write("decisions of the director", [.. summary.Decisions.Select(one => $"step {one.At:N0}, {one.State}: {one.WithEffect()}; decided after step {one.Step:N0}")]);
        Write("experts that changed their silos", [.. summary.Moves.Select(one => $"step {one.Step:N0}, {At(one.Time)}, {one}")]);
        Write("checkpoints", [.. summary.Checkpoints.Select(one => $"step {one.Step:N0}: {one.Place}")]);

        WriteMissing(summary, writer);

        void Write(string title, string[] lines)
        {
            if (lines.Length == 0)
            {
                return;
            }

            int count = all ? lines.Length : Shown;
            writer.WriteLine();
            Paragraph(lines.Length > count ? $"{title}, the last {count} of {lines.Length:N0} (--all tells of all)" : title);
            foreach (string line in lines.TakeLast(count))
            {
                foreach ((int row, string part) in WordWrap.Lines(line, width - 4, int.MaxValue).Index())
                {
                    writer.WriteLine(row == 0 ? $"  {part}" : $"    {part}");
                }
            }
        }

        void Paragraph(string text)
        {
            foreach (string row in WordWrap.Rows(text, width))
            {
                writer.WriteLine(row);
            }
        }
    }

    private static Column[] ColumnsIn(int width)
    {
        Column[] columns = Table;
        while (columns.Sum(column => column.Width + 1) - 1 > width)
        {
            columns = [.. columns.Where(column => column.Rank < columns.Max(other => other.Rank))];
        }

        return columns;
    }

    private static void WriteMissing(RunSummary summary, TextWriter writer)
    {
        if (summary.MissingLines > 0)
        {
            writer.WriteLine();
            writer.WriteLine($"lines that could not be written or read: {summary.MissingLines:N0}");
        }
    }

    private static string At(DateTimeOffset time) => $"{time.ToLocalTime():yyyy-MM-dd HH:mm:ss}";

    /// <summary>A character per row.</summary>
    public static string Sparkline(IReadOnlyList<SummaryRow> rows)
    {
        (double least, double most) = (rows.Min(row => row.Loss), rows.Max(row => row.Loss));
        return string.Concat(rows.Select(row => Bars[most > least ? (int)((row.Loss - least) / (most - least) * (Bars.Length - 1)) : 0]));
    }

    /// <summary>A column of the table.</summary>
    private sealed record Column(string Title, int Width, int Rank, Func<SummaryRow, string> Cell);
}
