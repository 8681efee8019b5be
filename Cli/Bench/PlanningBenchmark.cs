using System.Collections.Immutable;
using System.Diagnostics;
using MoEActors.Placement;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Planners.Incremental;
using MoEActors.Placement.Plans;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Bench;

/// <summary>
/// Times planners from the load window to the placements of all layers. They start from the replicate-and-pack placement of an earlier load
/// of the same run, as after some steps of drift.
/// </summary>
internal static class PlanningBenchmark
{
    /// <summary>The shapes that the published Python planner was timed with.</summary>
    public static readonly ImmutableArray<PlanningShape> Shapes = [new(58, 256, 320, 32), new(64, 256, 4096, 2048)];

    private const int WindowRows = 8;

    /// <summary>Rows of ten steps each by which the load has drifted since the current placement was made.</summary>
    private const int DriftedRows = 5;

    /// <summary>Measures one shape.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="repetitions">Measured plans of each planner; the median counts.</param>
    /// <param name="warmUp">How long each planner runs before, so that its code is compiled.</param>
    /// <param name="cancellation">Stops between plans.</param>
    public static PlanningResult Run(PlanningShape shape, int repetitions, TimeSpan warmUp, CancellationToken cancellation)
    {
        LoadTrace trace = TraceGenerator.Generate(new MoEActors.Placement.Simulation.TraceOptions
        {
            Layers = shape.Layers,
            Experts = shape.Experts,
            Steps = 10 * 30,
            Tokens = 1 << 22,
        });
        CostModel costs = SimulatedCluster.Of(trace, shape.Workers, 1);
        ImmutableArray<int> slots = [.. Enumerable.Range(0, shape.Workers).Select(rank => (shape.Slots + rank) / shape.Workers)];
        LoadWindow earlier = Window(trace, trace.Rows.Length - DriftedRows), now = Window(trace, trace.Rows.Length);
        LayerProblem[] problems =
        [
            .. Enumerable.Range(0, shape.Layers).Select(layer => new LayerProblem
            {
                Layer = layer,
                Current = ReplicateAndPackPlanner.Place(earlier.Mean(layer), slots),
                Slots = slots,
                Load = now,
                Costs = costs,
            }),
        ];
        (double packed, LayerPlan[] packedPlans) = Measure(new ReplicateAndPackPlanner(), problems, repetitions, warmUp, cancellation);
        (double incremental, LayerPlan[] incrementalPlans) = Measure(new IncrementalPlanner(), problems, repetitions, warmUp, cancellation);
        return new PlanningResult(
            shape.Layers,
            shape.Experts,
            shape.Slots,
            shape.Workers,
            packed,
            incremental,
            packedPlans.Average(plan => plan.Ratio.Before),
            packedPlans.Average(plan => plan.Ratio.After),
            incrementalPlans.Average(plan => plan.Ratio.After),
            packedPlans.Average(plan => plan.Moves.Length),
            incrementalPlans.Average(plan => plan.Moves.Length));
    }

    private static (double Milliseconds, LayerPlan[] Plans) Measure(
        IPlanner planner, LayerProblem[] problems, int repetitions, TimeSpan warmUp, CancellationToken cancellation)
    {
        LayerPlacement[] placements = new LayerPlacement[problems.Length];
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < warmUp;)
        {
            PlanAll();
        }

        double[] milliseconds = new double[repetitions];
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            long start = Stopwatch.GetTimestamp();
            PlanAll();
            milliseconds[repetition] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return (Samples.Median(milliseconds), [.. problems.Zip(placements, DirectorPolicy.Predict)]);

        void PlanAll()
        {
            cancellation.ThrowIfCancellationRequested();
            for (int layer = 0; layer < problems.Length; layer++)
            {
                placements[layer] = planner.Plan(problems[layer]);
            }
        }
    }

    private static LoadWindow Window(LoadTrace trace, int end)
    {
        LoadWindow window = new(WindowRows);
        foreach (LoadSample row in trace.Rows.AsSpan()[(end - WindowRows)..end])
        {
            window.Add(row);
        }

        return window;
    }
}
