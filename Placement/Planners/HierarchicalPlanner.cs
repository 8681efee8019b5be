using System.Collections.Immutable;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Planners;

/// <summary>
/// Replicate-and-pack in two levels: groups of experts are packed onto hosts, then each host replicates and packs its own experts, so that
/// replicas synchronise inside a host. Falls back on the global form where groups do not divide evenly over hosts or a host lacks slots.
/// O(experts · log experts + shards · log workers) for a layer. Source: DeepSeek's EPLB
/// (github.com/deepseek-ai/EPLB), rebalance_experts_hierarchical.
/// </summary>
/// <param name="groups">Groups of consecutive experts that stay on one host; null for groups of one.</param>
public sealed class HierarchicalPlanner(int? groups = null) : IPlanner
{
    /// <inheritdoc />
    public string Name => "hierarchical";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem)
    {
        double[] load = problem.Load.Mean(problem.Layer);
        return Place(load, problem.Slots, problem.Costs.Topology.HostOf) ?? ReplicateAndPackPlanner.Place(load, problem.Slots);
    }

    private LayerPlacement? Place(double[] load, ImmutableArray<int> slots, ImmutableArray<int> hostOf)
    {
        int hosts = hostOf[^1] + 1;
        int count = groups ?? load.Length;
        if (load.Length == 0 || load.Length % count != 0 || count % hosts != 0)
        {
            return null;
        }

        int size = load.Length / count;
        double[] groupLoad = new double[count];
        for (int expert = 0; expert < load.Length; expert++)
        {
            groupLoad[expert / size] += load[expert];
        }

        // Every host takes the same number of groups.
        int[] one = new int[count], room = new int[hosts];
        Array.Fill(one, 1);
        Array.Fill(room, count / hosts);
        int[][] hostOfGroup = new int[count][];
        Packing.Pack([.. Enumerable.Range(0, count)], groupLoad, one, [.. Enumerable.Range(0, hosts)], room, hostOfGroup);

        int[][] ranks = new int[load.Length][];
        for (int host = 0; host < hosts; host++)
        {
            int[] own = [.. Enumerable.Range(0, load.Length).Where(expert => hostOfGroup[expert / size][0] == host)];
            int[] workers = [.. Enumerable.Range(0, slots.Length).Where(rank => hostOf[rank] == host)];
            int total = workers.Sum(rank => slots[rank]);
            if (total < own.Length)
            {
                return null;
            }

            int[] replicas = new int[load.Length];
            int[] counts = ReplicaCounts.ByLoad([.. own.Select(expert => load[expert])], total, workers.Count(rank => slots[rank] > 0));
            for (int i = 0; i < own.Length; i++)
            {
                replicas[own[i]] = counts[i];
            }

            Packing.Pack(own, load, replicas, workers, slots.AsSpan(), ranks);
        }

        return new LayerPlacement(slots.Length, ranks);
    }
}
