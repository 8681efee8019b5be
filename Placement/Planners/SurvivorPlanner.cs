using MoEActors.Placement.Map;

namespace MoEActors.Placement.Planners;

/// <summary>
/// The placement after workers have gone or come: what is on workers that stay, stays there (the most overlap that there can be, as Lazarus, 2407.04656,
/// asks for when it places experts anew); an expert that is nowhere any more goes to the worker with the fewest of its layer, and workers that are
/// new get experts of those that have the most, until they have their equal share. O(experts · workers).
/// </summary>
public static class SurvivorPlanner
{
    /// <summary>Places the experts of every layer.</summary>
    /// <param name="version">Version of the map.</param>
    /// <param name="before">The placement before.</param>
    /// <param name="workers">The workers in rank order; those that were there before keep their experts.</param>
    /// <exception cref="PlacementException">There is no worker.</exception>
    public static PlacementMap Plan(long version, PlacementMap before, IReadOnlyList<WorkerId> workers)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(workers);
        Dictionary<WorkerId, int> rankOf = workers.Select((worker, rank) => (worker, rank)).ToDictionary(pair => pair.worker, pair => pair.rank);
        int[] ranks = [.. before.Workers.Select(worker => rankOf.GetValueOrDefault(worker, -1))];
        int[] newcomers = [.. Enumerable.Range(0, workers.Count).Except(ranks)];
        return PlacementMap.OfReplicas(
            version, workers, [.. Enumerable.Range(0, before.Layers).Select(layer => Place(before.PlacementOf(layer), ranks, newcomers, workers.Count))]);
    }

    private static int[][] Place(LayerPlacement before, int[] ranks, int[] newcomers, int workers)
    {
        int[] held = new int[workers];
        int[][] placed = [.. before.Ranks().Select(of => of.Select(rank => ranks[rank]).Where(rank => rank >= 0).ToArray())];
        foreach (int rank in placed.SelectMany(of => of))
        {
            held[rank]++;
        }

        for (int expert = 0; expert < before.Experts && workers > 0; expert++)
        {
            if (placed[expert].Length == 0)
            {
                int rank = Array.IndexOf(held, held.Min());
                placed[expert] = [rank];
                held[rank]++;
            }
        }

        foreach (int newcomer in newcomers)
        {
            while (held[newcomer] < before.Experts / workers)
            {
                // Of the fullest worker, the expert with the highest number, of those with one replica: moving one of several would make none safer.
                int expert = -1;
                for (int one = 0; one < placed.Length; one++)
                {
                    if (placed[one].Length == 1 && held[placed[one][0]] > held[newcomer] + 1 && (expert < 0 || held[placed[one][0]] >= held[placed[expert][0]]))
                    {
                        expert = one;
                    }
                }

                if (expert < 0)
                {
                    break;
                }

                held[placed[expert][0]]--;
                placed[expert] = [newcomer];
                held[newcomer]++;
            }
        }

        return placed;
    }
}
