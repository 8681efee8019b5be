using System.Collections.Immutable;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Planners;

/// <summary>
/// Moves experts without copying any: heaviest first onto the lightest worker with a free slot. The best that is possible without spare slots.
/// O(experts · log experts + experts · log workers) for a layer.
/// </summary>
public sealed class RepackPlanner : IPlanner
{
    /// <inheritdoc />
    public string Name => "repack";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem)
    {
        double[] load = problem.Load.Mean(problem.Layer);
        int[] experts = [.. Enumerable.Range(0, load.Length)];
        int[] workers = [.. Enumerable.Range(0, problem.Slots.Length)];
        int[] replicas = new int[load.Length];
        Array.Fill(replicas, 1);
        int[][] ranks = new int[load.Length][];
        Packing.Pack(experts, load, replicas, workers, problem.Slots.AsSpan(), ranks);
        return new LayerPlacement(workers.Length, ranks);
    }
}

/// <summary>
/// Replicates hot experts, then packs the heaviest first, over the whole cluster. It does not start from the current placement, so its plans move
/// many shards. O(experts · log experts + shards · log workers) for a layer. Source: DeepSeek's expert-parallel load balancer
/// (github.com/deepseek-ai/EPLB), rebalance_experts, global policy.
/// </summary>
public sealed class ReplicateAndPackPlanner : IPlanner
{
    /// <inheritdoc />
    public string Name => "replicate-and-pack";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem) => Place(problem.Load.Mean(problem.Layer), problem.Slots);

    /// <summary>Places the experts of a layer by their load.</summary>
    /// <param name="load">By expert: tokens per step.</param>
    /// <param name="slots">By rank: shards that it may hold; together at least one per expert.</param>
    public static LayerPlacement Place(ReadOnlySpan<double> load, ImmutableArray<int> slots)
    {
        int[] experts = [.. Enumerable.Range(0, load.Length)];
        int[] workers = [.. Enumerable.Range(0, slots.Length)];
        int[][] ranks = new int[load.Length][];
        int[] replicas = ReplicaCounts.ByLoad(load, slots.Sum(), slots.Count(count => count > 0));
        Packing.Pack(experts, load, replicas, workers, slots.AsSpan(), ranks);
        return new LayerPlacement(slots.Length, ranks);
    }
}

/// <summary>How many replicas each expert gets.</summary>
public static class ReplicaCounts
{
    /// <summary>
    /// One each; then spare slots go one by one to the expert with the highest load per replica, which is optimal for the highest of them.
    /// O(experts + spare · log experts). Source: EPLB, replicate_experts.
    /// </summary>
    /// <param name="load">By expert: tokens per step.</param>
    /// <param name="slots">Shards in total; at least one per expert.</param>
    /// <param name="most">Most replicas of an expert: the number of workers it may be on.</param>
    public static int[] ByLoad(ReadOnlySpan<double> load, int slots, int most)
    {
        int[] replicas = new int[load.Length];
        KeyedHeap heap = new(load.Length);
        for (int expert = 0; expert < load.Length; expert++)
        {
            replicas[expert] = 1;
            if (most > 1)
            {
                heap.Push(expert, -load[expert]);
            }
        }

        for (int spare = slots - load.Length; spare > 0 && heap.Count > 0; spare--)
        {
            int expert = heap.Top;
            if (++replicas[expert] == most)
            {
                heap.Pop();
            }
            else
            {
                heap.ReplaceTop(-load[expert] / replicas[expert]);
            }
        }

        return replicas;
    }
}

/// <summary>Heaviest first into the lightest that has room.</summary>
internal static class Packing
{
    /// <summary>
    /// Puts replicas of equal share on workers, experts with the heaviest replicas first, each replica on the lightest worker with a free slot.
    /// An expert gets fewer replicas where fewer workers have room. O(experts · log experts + shards · log workers).
    /// Source: EPLB, balanced_packing.
    /// </summary>
    /// <param name="experts">The experts to place.</param>
    /// <param name="load">By expert: tokens per step.</param>
    /// <param name="replicas">By expert: replicas wanted.</param>
    /// <param name="workers">The ranks to place them on.</param>
    /// <param name="slots">By rank: shards that it may hold.</param>
    /// <param name="ranks">By expert: receives its ranks.</param>
    public static void Pack(
        ReadOnlySpan<int> experts, ReadOnlySpan<double> load, ReadOnlySpan<int> replicas, ReadOnlySpan<int> workers, ReadOnlySpan<int> slots, int[][] ranks)
    {
        int[] order = experts.ToArray();
        double[] keys = new double[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            keys[i] = -load[order[i]] / replicas[order[i]];
        }

        Array.Sort(keys, order);
        int[] free = new int[slots.Length];
        KeyedHeap heap = new(workers.Length);
        foreach (int rank in workers)
        {
            free[rank] = slots[rank];
            if (free[rank] > 0)
            {
                heap.Push(rank, 0);
            }
        }

        double[] heights = new double[workers.Length];
        foreach (int expert in order)
        {
            int count = Math.Min(replicas[expert], heap.Count);
            double share = load[expert] / count;
            int[] chosen = new int[count];
            ranks[expert] = chosen;
            if (count == 1)
            {
                chosen[0] = heap.Top;
                if (--free[heap.Top] > 0)
                {
                    heap.ReplaceTop(heap.TopKey + share);
                }
                else
                {
                    heap.Pop();
                }

                continue;
            }

            for (int i = 0; i < count; i++)
            {
                heights[i] = heap.TopKey;
                chosen[i] = heap.Pop();
            }

            for (int i = 0; i < count; i++)
            {
                if (--free[chosen[i]] > 0)
                {
                    heap.Push(chosen[i], heights[i] + share);
                }
            }
        }
    }
}
