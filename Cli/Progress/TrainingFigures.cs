using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Progress;

/// <summary>The figures of a training run in words, alike in every view.</summary>
internal static class TrainingFigures
{
    /// <summary>What is worth knowing besides how far the run is.</summary>
    public static IEnumerable<string> Of(TrainingProgress progress)
    {
        yield return Wording.Loss(progress.Loss);
        yield return Wording.Speed(progress.TokensPerSecond);
        yield return Wording.LearningRate(progress.LearningRate);
        if (progress.Director is not null)
        {
            yield return Wording.Unevenness(progress.Balance, progress.BalanceAsBegun);
        }

        if (progress.RouterEntropy is { } entropy && progress.Layers.Count > 0)
        {
            yield return Wording.Indecision(entropy, progress.Layers.Average(layer => layer.Experts.Count));
        }

        if (progress.DroppedShare > 0)
        {
            yield return Wording.Dropped(progress.DroppedShare);
        }
    }

    /// <summary>How long the run has taken, and will yet.</summary>
    public static IEnumerable<string> TimeOf(TrainingProgress progress)
    {
        yield return Wording.Gone(progress.Elapsed);
        if (progress.Remaining is { } remaining && remaining > TimeSpan.Zero)
        {
            yield return Wording.ToGo(remaining);
        }
    }

    /// <summary>The load in one line: how evenly silos share the work, and how busy the busiest expert is; null when nothing is known.</summary>
    public static string? LoadOf(TrainingProgress progress)
    {
        double busiest = progress.Layers.SelectMany(layer => layer.Experts).Select(expert => expert.Load).DefaultIfEmpty().Max();
        if (busiest == 0 || progress.Silos.Count == 0)
        {
            return null;
        }

        string expert = $"the busiest expert {busiest:0.0} times the mean";
        if (progress.Silos.Count == 1)
        {
            return expert;
        }

        (double least, double most) = (progress.Silos.Min(silo => silo.Share) * 100, progress.Silos.Max(silo => silo.Share) * 100);
        string silos = $"{least:0}" == $"{most:0}" ? $"{most:0}%" : $"{least:0} to {most:0}%";
        return $"a silo has {silos} of the work, {expert}";
    }

    /// <summary>The director's last decision in one line; null before there is one.</summary>
    public static string? DecisionOf(TrainingProgress progress) =>
        progress.Director is { Decisions: [.., { } last] } ? $"director, step {last.At:N0}: {last.InShort()}" : null;
}
