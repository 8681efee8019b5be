using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Policy;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Simulation;

/// <summary>How a trace is replayed.</summary>
public sealed record SimulationOptions
{
    /// <summary>Number of workers.</summary>
    public int Workers { get; init; } = 8;

    /// <summary>Number of hosts; divides the workers.</summary>
    public int Hosts { get; init; } = 1;

    /// <summary>Slots of a layer beyond one per expert, on all workers together.</summary>
    public int SpareSlots { get; init; } = 8;

    /// <summary>A plan is made at every so many rows.</summary>
    public int Every { get; init; } = 1;

    /// <summary>How tokens are split over replicas.</summary>
    public IQuotaRule Quotas { get; init; } = new TokenQuotas();

    /// <summary>Thresholds of the director.</summary>
    public DirectorOptions Director { get; init; } = new();

    /// <summary>Whether transient copies level what the placement leaves uneven, and are measured.</summary>
    public bool Copies { get; init; }
}

/// <summary>
/// Replays a trace under a policy. Causal: a plan is made from the rows before, it is applied step by step as the byte budget allows, the
/// layer with the highest gain per move first, and no plan is made while one is being applied. Quotas see the row itself. O(rows · layers · planner).
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
        PlanSchedule? schedule = null;
        long shardsPerStep = options.Director.BytesPerStep / _costs.Size.StateBytes;
        SimulationMeter meter = new(_costs, options);
        for (int row = 0; row < trace.Rows.Length; row++)
        {
            if (row > 0)
            {
                if (row % options.Every == 0 && schedule is not { IsDone: false })
                {
                    long start = time.GetTimestamp();
                    PlacementPlan plan = policy.Plan(window, current, _slots, _costs, options.Quotas, memory);
                    meter.Planned(plan, time.GetElapsedTime(start));
                    schedule = new PlanSchedule(plan.Layers.Select(layer => (layer.Layer, layer.Target)), shardsPerStep);
                }

                meter.Moved(Apply(schedule, trace.Rows[row].Step - trace.Rows[row - 1].Step, current));
            }

            meter.Measure(trace.Rows[row], current, StepsOf(row));
            window.Add(trace.Rows[row]);
            rowDone?.Invoke(row + 1);
        }

        return meter.Result(planner.Name, trace.Experts.Count(experts => experts > 0));
    }

    /// <summary>Applies what training steps have room for.</summary>
    /// <returns>Shards that have arrived.</returns>
    private static int Apply(PlanSchedule? schedule, long steps, LayerPlacement[] current)
    {
        int before = schedule?.ShardsMoved ?? 0;
        for (long step = 0; step < steps && schedule is { IsDone: false }; step++)
        {
            schedule.Advance(current);
        }

        return (schedule?.ShardsMoved ?? 0) - before;
    }

    /// <summary>Training steps that a sampled row stands for: those until the next one.</summary>
    private long StepsOf(int row)
    {
        int from = Math.Max(0, Math.Min(row, trace.Rows.Length - 2));
        return trace.Rows.Length == 1 ? 1 : trace.Rows[from + 1].Step - trace.Rows[from].Step;
    }
}

/// <summary>Accumulates what a replay measures.</summary>
internal sealed class SimulationMeter(CostModel costs, SimulationOptions options)
{
    private const long Divide = 500;

    private readonly List<double> _before = [];
    private readonly List<double> _after = [];
    private readonly CopyMeter? _copies = options.Copies ? new CopyMeter(costs, options.Quotas is MicroBatchQuotas) : null;
    private double? _worst;
    private double _seconds;
    private double _balanced;
    private double _planning;
    private int _plans;
    private int _moved;

    public void Planned(PlacementPlan plan, TimeSpan time)
    {
        _plans++;
        _planning += time.TotalMilliseconds;
        _seconds += plan.MoveSeconds;
    }

    public void Moved(int shards) => _moved += shards;

    public void Measure(LoadSample row, LayerPlacement[] placements, long steps)
    {
        double ratios = 0;
        int layers = 0;
        foreach (int layer in Enumerable.Range(0, placements.Length).Where(layer => placements[layer].Experts > 0))
        {
            LayerQuotas split = options.Quotas.Split(placements[layer], row.Tokens[layer]);
            _seconds += steps * costs.LayerSeconds(split);
            _balanced += steps * costs.BalancedSeconds(row.Tokens[layer].Sum());
            ratios += split.BalanceRatio;
            layers++;
            if (row.Step >= Divide)
            {
                _worst = Math.Max(_worst ?? 1, split.BalanceRatio);
                _copies?.Measure(layer, placements[layer], row.Tokens[layer]);
            }
        }

        (row.Step < Divide ? _before : _after).Add(layers == 0 ? 1 : ratios / layers);
    }

    public SimulationResult Result(string policy, int layers) => new(
        policy,
        RatioMeanBefore500: _before.Count == 0 ? null : _before.Average(),
        RatioMeanAfter500: _after.Count == 0 ? null : _after.Average(),
        RatioWorstAfter500: _worst,
        _seconds, _balanced, _plans, _moved, layers,
        BytesMoved: _moved * costs.Size.StateBytes,
        PlanningMilliseconds: _plans == 0 ? 0 : _planning / _plans,
        _copies?.Figures);
}

/// <summary>The result of replaying a trace under a policy. Balance ratios are means over layers; null where no row falls into the range.</summary>
/// <param name="Policy">Name of the policy.</param>
/// <param name="RatioMeanBefore500">Mean balance ratio of the rows before step 500.</param>
/// <param name="RatioMeanAfter500">Mean balance ratio of the rows from step 500 on.</param>
/// <param name="RatioWorstAfter500">Worst balance ratio of a single layer in a row from step 500 on.</param>
/// <param name="Seconds">Predicted seconds of all MoE layers over the trace, transfers included.</param>
/// <param name="BalancedSeconds">The same if every worker always had the mean load.</param>
/// <param name="Plans">Plans made, empty ones included.</param>
/// <param name="ShardsMoved">Shards that arrived where they were not.</param>
/// <param name="Layers">Mixture-of-experts layers.</param>
/// <param name="BytesMoved">State that travelled, in bytes.</param>
/// <param name="PlanningMilliseconds">Mean time that one plan of all layers took to make, in milliseconds.</param>
/// <param name="Copies">What transient copies make of it; null where they were not asked for, or no row falls into the range.</param>
public sealed record SimulationResult(
    string Policy, double? RatioMeanBefore500, double? RatioMeanAfter500, double? RatioWorstAfter500, double Seconds, double BalancedSeconds, int Plans,
    int ShardsMoved, int Layers, long BytesMoved, double PlanningMilliseconds, CopyFigures? Copies)
{
    /// <summary>Shards moved per layer and plan.</summary>
    public double ShardsMovedPerLayerPlan => Plans == 0 ? 0 : (double)ShardsMoved / Plans / Layers;
}
