using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Policy;

namespace MoEActors.Tests.Placement;

/// <summary>Planning problems that follow from a seed: any number of workers, hosts, slots and any load.</summary>
internal static class PlanningCase
{
    public static void ForAll(Action<Random> check, int cases = 60) => Prop
        .ForAll(ArbMap.Default.ArbFor<int>(), seed => check(new Random(seed)))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(cases));

    public static LayerProblem Problem(Random random)
    {
        int hosts = random.Next(1, 4);
        int workers = hosts * random.Next(1, 5);
        int experts = random.Next(1, 40);
        ImmutableArray<int> slots = SpareSlots.Of(experts, workers, random.Next(0, Math.Min(2 * experts, experts * (workers - 1)) + 1));
        LoadWindow load = new();
        for (int step = 0, steps = random.Next(1, 6); step < steps; step++)
        {
            load.Add(new LoadSample(step, [Tokens(random, experts)]));
        }

        return new LayerProblem
        {
            Layer = 0,
            Current = Static(experts, workers),
            Slots = slots,
            Load = load,
            Costs = Costs([.. slots.Select((count, rank) => new WorkerCapacity($"host {rank * hosts / workers}", count))]),
        };
    }

    public static LayerPlacement Static(int experts, int workers) => StaticPlanner.Place(experts, workers);

    /// <summary>A placement with replicas: random experts beside each other.</summary>
    public static LayerPlacement Replicated(Random random, int experts, int workers) => new(
        workers,
        [
            .. Enumerable.Range(0, experts).Select(_ =>
            {
                int[] ranks = [.. Enumerable.Range(0, workers)];
                random.Shuffle(ranks);
                return ranks[..random.Next(1, Math.Min(workers, 4) + 1)];
            }),
        ]);

    /// <summary>Counts from even to heavily skewed, some of them 0.</summary>
    public static long[] Tokens(Random random, int experts)
    {
        double skew = 3 * random.NextDouble();
        return [.. Enumerable.Range(0, experts).Select(expert => (long)(random.Next(0, 10_000) * Math.Pow(random.Next(1, experts + 1), -skew)))];
    }

    public static CostModel Costs(IReadOnlyList<WorkerCapacity> workers) => new(
        new Calibration([new ComputePoint(64, 20e-6), new ComputePoint(1024, 200e-6)]),
        new ShardSize(GradientBytes: 1 << 16, StateBytes: 3 << 16, TokenBytes: 1 << 10),
        new ClusterTopology(workers, 50e9, 10e9));

    /// <summary>The least load of the busiest worker over all ways to share out tokens, by trying all.</summary>
    public static long BruteForce(LayerPlacement placement, long[] tokens) => BruteForce(placement, tokens, 0, new long[placement.Workers]);

    private static long BruteForce(LayerPlacement placement, long[] tokens, int expert, long[] loads)
    {
        if (expert == placement.Experts)
        {
            return loads.Max();
        }

        return Share(placement.RanksOf(expert).ToArray(), tokens[expert]);

        long Share(int[] ranks, long left)
        {
            if (ranks.Length == 1)
            {
                loads[ranks[0]] += left;
                long most = BruteForce(placement, tokens, expert + 1, loads);
                loads[ranks[0]] -= left;
                return most;
            }

            long best = long.MaxValue;
            for (long part = 0; part <= left; part++)
            {
                loads[ranks[0]] += part;
                best = Math.Min(best, Share(ranks[1..], left - part));
                loads[ranks[0]] -= part;
            }

            return best;
        }
    }

    /// <summary>A policy that asks its planner whatever the load.</summary>
    public static DirectorPolicy Eager(IPlanner planner) => new(planner, new DirectorOptions { Trigger = 1, Caution = 0, Settled = 1 });
}
