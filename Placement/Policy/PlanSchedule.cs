using MoEActors.Placement.Map;

namespace MoEActors.Placement.Policy;

/// <summary>
/// Divides a plan that is being applied among training steps: each step takes as many shards as the budget allows, and every placement in between
/// is valid. The layer with the highest gain per move comes first. Until an expert's last new replica has arrived its old ones stay, so that a
/// worker may hold some shards beyond its slots meanwhile.
/// </summary>
/// <param name="targets">The layers that change, the highest gain per move first, and where their experts shall be.</param>
/// <param name="shardsPerStep">Shards that may arrive during one training step; at least one always may.</param>
public sealed class PlanSchedule(IEnumerable<(int Layer, LayerPlacement Target)> targets, long shardsPerStep)
{
    private readonly Queue<(int Layer, LayerPlacement Target)> _waiting = new(targets);

    /// <summary>Whether the whole plan has been applied.</summary>
    public bool IsDone => _waiting.Count == 0;

    /// <summary>Shards that have arrived so far.</summary>
    public int ShardsMoved { get; private set; }

    /// <summary>Applies what the next training step has room for. O(shards of the layers that change).</summary>
    /// <param name="placements">By layer: the placement in force; changed to the one after the step.</param>
    public void Advance(IList<LayerPlacement> placements)
    {
        long left = Math.Max(1, shardsPerStep);
        while (left > 0 && _waiting.TryPeek(out (int Layer, LayerPlacement Target) next))
        {
            int arrivals = Advance(placements, next.Layer, next.Target, left);
            ShardsMoved += arrivals;
            left -= arrivals;
            if (placements[next.Layer].Equals(next.Target))
            {
                _waiting.Dequeue();
            }
        }
    }

    private static int Advance(IList<LayerPlacement> placements, int layer, LayerPlacement target, long budget)
    {
        LayerPlacement current = placements[layer];
        int[][] ranks = new int[current.Experts][];
        int arrivals = 0;
        for (int expert = 0; expert < current.Experts; expert++)
        {
            int[] here = current.RanksOf(expert).ToArray();
            int[] there = target.RanksOf(expert).ToArray();
            int[] missing = [.. there.Except(here)];
            int arriving = (int)Math.Min(missing.Length, budget - arrivals);
            arrivals += arriving;
            ranks[expert] = arriving == missing.Length ? there : [.. here, .. missing.Take(arriving)];
        }

        placements[layer] = new LayerPlacement(current.Workers, ranks);
        return arrivals;
    }
}
