using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json.Serialization;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Policy;
using MoEActors.Placement.Simulation;

namespace MoEActors.Benchmarks;

/// <summary>
/// Times planners from the load window to the placements of all layers. They start from the replicate-and-pack placement of an earlier load
/// of the same run, as after some steps of drift.
/// </summary>
public static class PlanningBenchmark
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
        IPlanner[] planners = [new ReplicateAndPackPlanner(), new IncrementalPlanner()];
        double[][] milliseconds = Measure(planners, problems, repetitions, warmUp, cancellation);
        LayerPlan[] packedPlans = PlansOf(planners[0], problems), incrementalPlans = PlansOf(planners[1], problems);
        return new PlanningResult(
            shape.Layers,
            shape.Experts,
            shape.Slots,
            shape.Workers,
            Samples.Median(milliseconds[0]),
            Samples.Median(milliseconds[1]),
            packedPlans.Average(plan => plan.Ratio.Before),
            packedPlans.Average(plan => plan.Ratio.After),
            incrementalPlans.Average(plan => plan.Ratio.After),
            packedPlans.Average(plan => plan.Moves.Length),
            incrementalPlans.Average(plan => plan.Moves.Length));
    }

    /// <summary>Milliseconds of every repetition by planner. The planners take turns, so that noise of the machine affects all alike.</summary>
    private static double[][] Measure(
        IPlanner[] planners, LayerProblem[] problems, int repetitions, TimeSpan warmUp, CancellationToken cancellation)
    {
        foreach (IPlanner planner in planners)
        {
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < warmUp;)
            {
                PlanAll(planner);
            }
        }

        double[][] milliseconds = [.. planners.Select(_ => new double[repetitions])];
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            for (int planner = 0; planner < planners.Length; planner++)
            {
                long start = Stopwatch.GetTimestamp();
                PlanAll(planners[planner]);
                milliseconds[planner][repetition] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }

        return milliseconds;

        void PlanAll(IPlanner planner)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (LayerProblem problem in problems)
            {
                planner.Plan(problem);
            }
        }
    }

    private static LayerPlan[] PlansOf(IPlanner planner, LayerProblem[] problems) =>
        [.. problems.Select(problem => DirectorPolicy.Predict(problem, planner.Plan(problem)))];

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

/// <summary>The size of a planning problem; slots and workers are those of each layer.</summary>
public readonly record struct PlanningShape(int Layers, int Experts, int Slots, int Workers);

/// <summary>What `moe bench planning` found.</summary>
public sealed record PlanningReport(IReadOnlyList<PlanningResult> Results);

/// <summary>Time to plan all layers of one shape on one core, in milliseconds, and the mean balance ratio of the new load.</summary>
public sealed record PlanningResult(
    int Layers,
    int Experts,
    int Slots,
    int Workers,
    [property: JsonPropertyName("replicate_and_pack_ms")] double ReplicateAndPackMilliseconds,
    [property: JsonPropertyName("incremental_ms")] double IncrementalMilliseconds,
    double RatioBefore,
    double RatioReplicateAndPack,
    double RatioIncremental,
    double MovesPerLayerReplicateAndPack,
    double MovesPerLayerIncremental);
