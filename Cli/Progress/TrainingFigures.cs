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
