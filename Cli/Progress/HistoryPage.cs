using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Progress;

/// <summary>A run's history on a page of eighty columns.</summary>
internal static class HistoryPage
{
    private const int Width = 80;
    private const int Shown = 8;

    /// <summary>From the lowest to the highest loss of a row.</summary>
    private const string Bars = "▁▂▃▄▅▆▇█";

    /// <summary>Writes the page.</summary>
    /// <param name="summary">What is on it.</param>
    /// <param name="all">Whether everything is told that happened, rather than the last few of each kind.</param>
    /// <param name="writer">Where it is written.</param>
    public static void Write(RunSummary summary, bool all, TextWriter writer)
    {
        if (summary.Rows is not [var first, ..] || summary.Began is not { } began || summary.Ended is not { } ended)
        {
            writer.WriteLine($"{summary.Name}: no step yet.");
            WriteMissing(summary, writer);
            return;
        }

        SummaryRow last = summary.Rows[^1];
        writer.WriteLine(WordWrap.Fit($"{summary.Name}: steps {first.First:N0} to {last.Last:N0}, {began.ToLocalTime():yyyy-MM-dd HH:mm:ss} to {ended.ToLocalTime():yyyy-MM-dd HH:mm:ss}", Width));
        writer.WriteLine($"training loss {first.Loss:0.000} to {last.Loss:0.000}  {Sparkline(summary.Rows)}");
        if (summary.Best is { } best)
        {
            writer.WriteLine($"validation loss {best.Loss:0.000} at step {best.Step:N0}, the lowest of {summary.Evaluations.Count}");
        }

        writer.WriteLine();
        writer.WriteLine($"{"steps",17} {"loss",8} {"norm",8} {"rate",8} {"tokens/s",10} {"unevenness",10} {"dropped",8}");
        foreach (SummaryRow row in summary.Rows)
        {
            string steps = row.First == row.Last ? $"{row.First:N0}" : $"{row.First:N0}-{row.Last:N0}";
            string balance = row.Balance is { } ratio ? $"{ratio:0.00}" : "-";
            writer.WriteLine(
                $"{steps,17} {row.Loss,8:0.000} {row.GradientNorm,8:0.000} {row.LearningRate,8:0.0e+0} {row.TokensPerSecond,10:N0} {balance,10} {row.DroppedShare * 100,7:0.0}%");
        }

        Write("stopped and resumed", [.. summary.Resumes.Select(one => $"step {one.Step:N0}: {At(one.Time)} on {Wording.Count(one.Silos, "silo")}")]);
        Write("evaluations", [.. summary.Evaluations.Select(one => $"step {one.Step:N0}: loss {Wording.Nats(one.Loss)}{(one == summary.Best ? ", the lowest" : "")}")]);
        Write("decisions of the director", [.. summary.Decisions.Select(one => $"step {one.Step:N0}, {one.State}: {one.WithEffect()}")]);
        Write("experts that changed their silos", [.. summary.Moves.Select(one => $"step {one.Step:N0}, {At(one.Time)}, {one}")]);
        Write("checkpoints", [.. summary.Checkpoints.Select(one => $"step {one.Step:N0}: {one.Place}")]);

        WriteMissing(summary, writer);

        void Write(string title, string[] lines)
        {
            if (lines.Length == 0)
            {
                return;
            }

            int shown = all ? lines.Length : Shown;
            writer.WriteLine();
            writer.WriteLine(lines.Length > shown ? $"{title}, the last {shown} of {lines.Length:N0} (--all tells of all)" : title);
            foreach (string line in lines.TakeLast(shown))
            {
                foreach ((int row, string part) in WordWrap.Lines(line, Width - 4, int.MaxValue).Index())
                {
                    writer.WriteLine(row == 0 ? $"  {part}" : $"    {part}");
                }
            }
        }
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
}
