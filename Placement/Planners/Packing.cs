namespace MoEActors.Placement.Planners;

/// <summary>Heaviest first into the lightest that has room.</summary>
internal static class Packing
{
    /// <summary>
    /// Puts replicas of equal share on workers, experts with the heaviest replicas first, each replica on the lightest worker with a free slot.
    /// An expert that finds fewer workers with room than it has replicas makes do with them. O(experts · log experts + shards · log workers).
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
