using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Plans;

namespace MoEActors.Placement.Simulation;

/// <summary>
/// Replays a trace under a policy. Causal: a plan is made from the rows before, it lands step by step as the byte budget allows, the most
/// rewarding layer first, and no plan is made while one is landing. Quotas see the row itself. O(rows · layers · planner).
/// </summary>
/// <param name="trace">The trace.</param>
/// <param name="options">How it is replayed.</param>
/// <param name="time">Clock that planning is timed by.</param>
public sealed class PlacementSimulator(LoadTrace trace, SimulationOptions options, TimeProvider time)
{
    private readonly CostModel _costs = SimulatedCluster.Of(trace, options.Workers, options.Hosts);
    private readonly ImmutableArray<ImmutableArray<int>> _slots =
        [.. trace.Experts.Select(experts => experts == 0 ? [.. new int[options.Workers]] : SpareSlots.Of(experts, options.Workers, options.SpareSlots))];

    /// <summary>Replays the whole trace from the static placement.</summary>
    /// <param name="planner">The policy.</param>
    /// <param name="rowDone">Told the number of rows that are done, after each; may throw to stop.</param>
    public SimulationResult Run(IPlanner planner, Action<int>? rowDone = null)
    {
        DirectorPolicy policy = new(planner, options.Director);
        DirectorMemory memory = new();
        LoadWindow window = new();
        LayerPlacement[] current = [.. trace.Experts.Select(experts => StaticPlanner.Place(experts, options.Workers))];
        PlanLanding? landing = null;
        long shardsPerStep = options.Director.BytesPerStep / _costs.Size.StateBytes;
        SimulationMeter meter = new(_costs, options.Quotas);
        for (int row = 0; row < trace.Rows.Length; row++)
        {
            if (row > 0)
            {
                if (row % options.Every == 0 && landing is not { IsDone: false })
                {
                    long start = time.GetTimestamp();
                    PlacementPlan plan = policy.Plan(window, current, _slots, _costs, options.Quotas, memory);
                    meter.Planned(plan, time.GetElapsedTime(start));
                    landing = new PlanLanding(plan.Layers.Select(layer => (layer.Layer, layer.Target)), shardsPerStep);
                }

                meter.Moved(Land(landing, trace.Rows[row].Step - trace.Rows[row - 1].Step, current));
            }

            meter.Measure(trace.Rows[row], current, StepsOf(row));
            window.Add(trace.Rows[row]);
            rowDone?.Invoke(row + 1);
        }

        return meter.Result(planner.Name, trace.Experts.Count(experts => experts > 0));
    }

    /// <summary>Lets training steps pass.</summary>
    /// <returns>Shards that have arrived.</returns>
    private static int Land(PlanLanding? landing, long steps, LayerPlacement[] current)
    {
        int before = landing?.ShardsMoved ?? 0;
        for (long step = 0; step < steps && landing is { IsDone: false }; step++)
        {
            landing.Advance(current);
        }

        return (landing?.ShardsMoved ?? 0) - before;
    }

    /// <summary>Training steps that a sampled row stands for: those until the next one.</summary>
    private long StepsOf(int row)
    {
        int from = Math.Max(0, Math.Min(row, trace.Rows.Length - 2));
        return trace.Rows.Length == 1 ? 1 : trace.Rows[from + 1].Step - trace.Rows[from].Step;
    }
}
