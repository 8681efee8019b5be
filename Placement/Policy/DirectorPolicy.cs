using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Policy;

/// <summary>How eager the director is.</summary>
public sealed record DirectorOptions
{
    /// <summary>Balance ratio above which a layer at rest is planned for, if it is beyond doubt.</summary>
    public double Trigger { get; init; } = 1.03;

    /// <summary>Added to the trigger, divided by the square of the samples seen: one sample proves less than many.</summary>
    public double Caution { get; init; } = 0.6;

    /// <summary>Balance ratio up to which a layer counts as balanced and nothing is planned for it.</summary>
    public double Settled { get; init; } = 1.005;

    /// <summary>A layer whose load was even at so many plans in a row comes to rest.</summary>
    public int CalmPlans { get; init; } = 8;

    /// <summary>Training steps in which a plan must earn what its transfers cost.</summary>
    public int HorizonSteps { get; init; } = 50;

    /// <summary>Training steps for which an expert that has moved is left alone.</summary>
    public int CoolDownSteps { get; init; } = 10;

    /// <summary>Bytes that may move during one training step; one shard always may.</summary>
    public long BytesPerStep { get; init; } = 1L << 30;
}

/// <summary>
/// Decides when a planner is asked and which of its answers are worth carrying out: trigger with hysteresis, cool-down, and a plan must pay
/// for itself within its horizon. Deterministic; what it must remember is handed to it.
/// </summary>
/// <param name="planner">The planner.</param>
/// <param name="options">How eager it is.</param>
public sealed class DirectorPolicy(IPlanner planner, DirectorOptions options)
{
    /// <summary>Standard errors by which the busiest worker must stand out to wake a layer, and below which the load is even.</summary>
    private const double Significant = 6, Insignificant = 3;

    /// <summary>Moves per plan, as a part of the layer's slots, at which the move penalty is 2; and the exponent with which it grows beyond 1.</summary>
    private const double PenalizedPart = 1.0 / 144, PenaltyExponent = 2.5;

    /// <summary>Makes a plan for all layers from the load of recent steps. O(layers · (planner + views · quotas)).</summary>
    /// <param name="load">The load of recent steps; not empty.</param>
    /// <param name="current">By layer: where the experts are.</param>
    /// <param name="slots">By layer and rank: shards that it may hold.</param>
    /// <param name="costs">What a placement costs.</param>
    /// <param name="quotas">How tokens are shared out to replicas.</param>
    /// <param name="memory">What this policy remembers; changed by the call.</param>
    public PlacementPlan Plan(
        LoadWindow load, IReadOnlyList<LayerPlacement> current, IReadOnlyList<ImmutableArray<int>> slots, CostModel costs, IQuotaRule quotas, DirectorMemory memory)
    {
        long step = load.Newest.Step;
        List<LayerPlan> plans = [];
        for (int layer = 0; layer < current.Count; layer++)
        {
            if (current[layer].Experts > 0)
            {
                LayerProblem problem = new()
                {
                    Layer = layer,
                    Current = current[layer],
                    Slots = slots[layer],
                    Load = load,
                    Costs = costs,
                    Quotas = quotas,
                    Resting = [.. memory.MovedAfter(layer, step - options.CoolDownSteps)],
                    MovePenalty = 1 + Math.Pow(memory.MovesPerPlan(layer) / (PenalizedPart * slots[layer].Sum()), PenaltyExponent),
                };
                LayerPlan? plan = Needs(problem, memory) ? Plan(problem) : null;
                memory.Remember(step, layer, plan is null ? [] : plan.Moves);
                plans.AddRange(plan is null ? [] : [plan]);
            }
        }

        return new PlacementPlan(step, [.. plans.OrderByDescending(plan => plan.Gain / Math.Max(1, plan.Moves.Length)).ThenBy(plan => plan.Layer)]);
    }

    /// <summary>Predicts what a placement would do to steps like the recent ones. O(views · quotas).</summary>
    public static LayerPlan Predict(LayerProblem problem, LayerPlacement target)
    {
        ImmutableArray<ShardMove> moves = PlacementMoves.Between(problem.Layer, problem.Current, target, problem.Costs.Topology);
        double ratioBefore = 0, ratioAfter = 0, secondsBefore = 0, secondsAfter = 0, sum = 0;
        foreach ((long[] tokens, double weight) in LoadOutlook.Of(problem.Load, problem.Layer, problem.Slots.Sum()))
        {
            sum += weight;
            LayerQuotas before = problem.Quotas.Split(problem.Current, tokens);
            LayerQuotas after = problem.Quotas.Split(target, tokens);
            ratioBefore += weight * before.BalanceRatio;
            ratioAfter += weight * after.BalanceRatio;
            secondsBefore += weight * problem.Costs.LayerSeconds(before);
            secondsAfter += weight * problem.Costs.LayerSeconds(after);
        }

        return new LayerPlan
        {
            Layer = problem.Layer,
            Target = target,
            Moves = moves,
            Ratio = (ratioBefore / sum, ratioAfter / sum),
            Seconds = (secondsBefore / sum, secondsAfter / sum),
            MoveSeconds = problem.Costs.MoveSeconds(moves),
        };
    }

    /// <summary>
    /// Whether a layer is out of balance and its load known to be skewed. Hysteresis: a layer wakes when its skew is beyond doubt, and rests
    /// when its load has been even for long; a layer that is balanced because it was placed well stays awake.
    /// </summary>
    private bool Needs(LayerProblem problem, DirectorMemory memory)
    {
        int layer = problem.Layer;
        if (!memory.IsAwake(layer))
        {
            WorkerSkew skew = WorkerSkew.Of(layer, problem.Current, problem.Load, problem.Quotas);
            if (skew.Ratio <= Math.Max(options.Trigger + (options.Caution / (skew.Samples * skew.Samples)), 1 + (Significant * skew.StandardError)))
            {
                return false;
            }

            memory.Wake(layer);
            return true;
        }

        WorkerSkew unplaced = WorkerSkew.Of(layer, StaticPlanner.Place(problem.Current.Experts, problem.Current.Workers), problem.Load, problem.Quotas);
        if (unplaced.Ratio > Math.Max(options.Trigger, 1 + (Insignificant * unplaced.StandardError)))
        {
            memory.Wake(layer);
        }
        else
        {
            memory.Calm(layer, options.CalmPlans);
        }

        return problem.Quotas.Split(problem.Current, problem.Load.Newest.Tokens[layer]).BalanceRatio > options.Settled;
    }

    private LayerPlan? Plan(LayerProblem problem)
    {
        LayerPlacement target = planner.Plan(problem);
        return !target.Equals(problem.Current) && Predict(problem, target) is { } plan && Pays(plan, problem) ? plan : null;
    }

    private bool Pays(LayerPlan plan, LayerProblem problem) =>
        plan.Gain * options.HorizonSteps > plan.MoveSeconds && !plan.Moves.Any(move => problem.Resting.Contains(move.Expert));
}

/// <summary>What the director remembers between plans.</summary>
public sealed class DirectorMemory
{
    /// <summary>Weight of the newest plan in the mean of moves per plan.</summary>
    private const double Recent = 0.05;

    private readonly Dictionary<(int Layer, int Expert), long> _movedAt = [];
    private readonly Dictionary<int, int> _calm = [];
    private readonly Dictionary<int, double> _movesPerPlan = [];

    /// <summary>Whether a layer is being planned for.</summary>
    public bool IsAwake(int layer) => _calm.ContainsKey(layer);

    /// <summary>The experts of a layer that have moved after a step.</summary>
    public IEnumerable<int> MovedAfter(int layer, long step) =>
        _movedAt.Where(moved => moved.Key.Layer == layer && moved.Value > step).Select(moved => moved.Key.Expert);

    /// <summary>Shards of a layer that recent plans have moved, a fading mean over some twenty of them.</summary>
    public double MovesPerPlan(int layer) => _movesPerPlan.GetValueOrDefault(layer);

    /// <summary>Notes that a layer's load is skewed and that it is planned for from now on.</summary>
    public void Wake(int layer) => _calm[layer] = 0;

    /// <summary>Notes that the load of a layer that is awake was even once more; after so many times in a row it rests.</summary>
    public void Calm(int layer, int enough)
    {
        if (++_calm[layer] >= enough)
        {
            _calm.Remove(layer);
        }
    }

    /// <summary>Notes what the plan of a step does to a layer, be it nothing.</summary>
    public void Remember(long step, int layer, IReadOnlyCollection<ShardMove> moves)
    {
        _movesPerPlan[layer] = MovesPerPlan(layer) + (Recent * (moves.Count - MovesPerPlan(layer)));
        foreach (ShardMove move in moves)
        {
            _movedAt[(move.Layer, move.Expert)] = step;
        }
    }
}
