namespace MoEActors.Placement.Planners;

/// <summary>
/// Moves experts without copying any: heaviest first onto the lightest worker with a free slot. What can be had without spare slots.
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
