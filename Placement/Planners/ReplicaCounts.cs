namespace MoEActors.Placement.Planners;

/// <summary>How many replicas each expert deserves.</summary>
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
