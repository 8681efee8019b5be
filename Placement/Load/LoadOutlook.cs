namespace MoEActors.Placement.Load;

/// <summary>
/// What a layer's next step may look like: as one of the recent ones, or as the newest if what has changed since an earlier one goes on
/// changing. A placement that is balanced under all of these anticipates a drift and tolerates fluctuations.
/// </summary>
internal static class LoadOutlook
{
    /// <summary>Recent steps, and continued changes.</summary>
    private const int Steps = 3, Changes = 2;

    /// <summary>Slots of all views together, which limits the views of a large layer.</summary>
    private const int SlotsJudged = 1024;

    /// <summary>Weight of a continued change relative to the step that it starts from.</summary>
    private const double ChangeWeight = 0.5;

    /// <summary>Largest factor by which an expert's tokens are taken to grow or fall from one step to the next.</summary>
    private const double MostGrowth = 2;

    /// <summary>The views, the newest step first, and their weights. O(experts).</summary>
    /// <param name="load">The load of recent steps; not empty.</param>
    /// <param name="layer">Layer of the model.</param>
    /// <param name="slots">Slots of the layer.</param>
    public static (long[] Tokens, double Weight)[] Of(LoadWindow load, int layer, int slots)
    {
        int views = Math.Clamp(SlotsJudged / slots, 2, Steps + Changes);
        int changes = Math.Min(Changes, views / 2);
        (long[] Tokens, double Weight)[] recent =
            [.. load.Samples.Reverse().Zip(load.Weights(layer), (sample, weight) => (sample.Tokens[layer], weight))];
        return
        [
            .. recent.Take(views - changes).Where(step => step.Weight > 0),
            .. recent.Skip(1).Take(changes).Where(step => step.Weight > 0)
                .Select(step => (Continued(step.Tokens, recent[0].Tokens), ChangeWeight * step.Weight)),
        ];
    }

    private static long[] Continued(long[] before, long[] now)
    {
        long[] next = new long[now.Length];
        for (int expert = 0; expert < next.Length; expert++)
        {
            // One token is added on both sides, so that a change from 0 to 1 is no trend.
            double growth = (now[expert] + 1.0) / (before[expert] + 1.0);
            next[expert] = (long)(now[expert] * Math.Clamp(growth, 1 / MostGrowth, MostGrowth));
        }

        return next;
    }
}
