namespace MoEActors.Cli.Progress;

/// <summary>The figures of a training run in words, alike in every view.</summary>
internal static class TrainingFigures
{
    public static IEnumerable<(string Name, string Value)> Of(TrainingProgress progress)
    {
        yield return ("step", progress.Steps is { } steps ? $"{progress.Step:N0}/{steps:N0}" : $"{progress.Step:N0}");
        yield return ("loss", $"{progress.Loss:0.000}");
        yield return ("tokens/s", $"{progress.TokensPerSecond:N0}");
        yield return ("rate", $"{progress.LearningRate:0.0e+0}");
        if (progress.RouterEntropy is { } entropy)
        {
            yield return ("entropy", $"{entropy:0.00}");
        }

        if (progress.DroppedShare > 0)
        {
            yield return ("dropped", $"{progress.DroppedShare * 100:0.0}%");
        }

        if (progress.Director is not null)
        {
            yield return ("balance", $"{progress.Balance:0.00} (as begun {progress.BalanceAsBegun:0.00})");
        }

        yield return ("time", Clock(progress.Elapsed));
        yield return ("ETA", progress.Remaining is { } remaining ? Clock(remaining) : "-");
    }

    /// <summary>A silo's name, or its number while it has none.</summary>
    public static string SiloName(TrainingProgress progress, int silo) =>
        silo < progress.Silos.Count ? progress.Silos[silo] : $"silo {silo}";

    private static string Clock(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}" : $"{time.Minutes}:{time.Seconds:00}";
}

/// <summary>How the tokens are spread over experts and silos.</summary>
/// <param name="rows">Tokens per expert, a row per silo.</param>
internal readonly struct ExpertLoad(IReadOnlyList<long[]> rows)
{
    private readonly long _total = rows.Sum(row => row.Sum());
    private readonly int _experts = rows.Sum(row => row.Length);

    /// <summary>The busiest expert's load, in multiples of the mean.</summary>
    public double Peak => Relative(rows.SelectMany(row => row).DefaultIfEmpty().Max());

    /// <summary>A silo's share of all tokens.</summary>
    public double Share(int silo) => _total == 0 ? 0 : (double)rows[silo].Sum() / _total;

    /// <summary>
    /// A silo's experts in at most <paramref name="width"/> cells, each in multiples of the mean load. A cell of several experts
    /// shows its busiest: a hot expert must stay visible among idle ones.
    /// </summary>
    public IEnumerable<double> Cells(int silo, int width)
    {
        long[] row = rows[silo];
        int cells = Math.Min(row.Length, width);
        for (int i = 0; i < cells; i++)
        {
            int start = (int)((long)row.Length * i / cells);
            int end = (int)((long)row.Length * (i + 1) / cells);
            yield return Relative(row[start..end].Max());
        }
    }

    private double Relative(long tokens) => _total == 0 ? 0 : (double)tokens * _experts / _total;
}
