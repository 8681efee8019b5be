using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Policy;

/// <summary>Thresholds of the director: when it plans, and what a plan must gain.</summary>
public sealed record DirectorOptions
{
    /// <summary>Balance ratio above which an inactive layer becomes active, that is, is planned for; the skew must also be significant.</summary>
    public double Trigger { get; init; } = 1.03;

    /// <summary>Added to the trigger, divided by the square of the number of samples, because few samples are weak evidence.</summary>
    public double Caution { get; init; } = 0.6;

    /// <summary>Balance ratio up to which a layer counts as balanced and nothing is planned for it.</summary>
    public double Settled { get; init; } = 1.005;

    /// <summary>A layer becomes inactive when its load was even at so many plans in a row.</summary>
    public int CalmPlans { get; init; } = 8;

    /// <summary>Training steps within which the gain of a plan must exceed the cost of its transfers.</summary>
    public int HorizonSteps { get; init; } = 50;

    /// <summary>Training steps for which an expert that has moved is not moved again.</summary>
    public int CoolDownSteps { get; init; } = 10;

    /// <summary>Bytes that may move during one training step; one shard may always move.</summary>
    public long BytesPerStep { get; init; } = 1L << 30;
}

/// <summary>
/// Decides when a planner runs and which of its plans are applied: trigger with hysteresis, cool-down, and a plan must pay for itself within its
/// horizon. Deterministic; its state between calls is a parameter (<see cref="DirectorMemory"/>).
/// </summary>
/// <param name="planner">The planner.</param>
/// <param name="options">Thresholds.</param>
public sealed class DirectorPolicy(IPlanner planner, DirectorOptions options)
{
    /// <summary>Standard errors of the busiest worker's load above the mean: from which a layer becomes active, and below which its load counts as even.</summary>
    private const double Significant = 6, Insignificant = 3;

    /// <summary>Moves per plan, as a part of the layer's slots, at which the move penalty is 2; and the exponent with which it grows beyond 1.</summary>
    private const double PenalizedPart = 1.0 / 144, PenaltyExponent = 2.5;

    /// <summary>Makes a plan for all layers from the load of recent steps. O(layers · (planner + views · quotas)).</summary>
    /// <param name="load">The load of recent steps; not empty.</param>
    /// <param name="current">By layer: where the experts are.</param>
    /// <param name="slots">By layer and rank: shards that it may hold.</param>
    /// <param name="costs">What a placement costs.</param>
    /// <param name="quotas">How tokens are split over replicas.</param>
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

        return new LayerPlan(
            problem.Layer, target, moves, Ratio: (ratioBefore / sum, ratioAfter / sum), Seconds: (secondsBefore / sum, secondsAfter / sum),
            problem.Costs.MoveSeconds(moves));
    }

    /// <summary>
    /// Whether a layer is out of balance and its load known to be skewed. Hysteresis: a layer becomes active when its skew is significant, and
    /// inactive when its load has been even for many plans, as the static placement would show it; a layer that is balanced because it was
    /// placed well stays active.
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

/// <summary>State of the policy between plans.</summary>
public sealed class DirectorMemory
{
    /// <summary>Weight of the newest plan in the mean of moves per plan.</summary>
    private const double Recent = 0.05;

    private readonly Dictionary<(int Layer, int Expert), long> _movedAt = [];
    private readonly Dictionary<int, int> _calm = [];
    private readonly Dictionary<int, double> _movesPerPlan = [];

    /// <summary>Whether a layer is active, that is, planned for.</summary>
    public bool IsAwake(int layer) => _calm.ContainsKey(layer);

    /// <summary>The experts of a layer that have moved since a step.</summary>
    public IEnumerable<int> MovedAfter(int layer, long step) =>
        _movedAt.Where(moved => moved.Key.Layer == layer && moved.Value > step).Select(moved => moved.Key.Expert);

    /// <summary>Shards of a layer moved per plan: exponentially weighted mean over about the last twenty plans.</summary>
    public double MovesPerPlan(int layer) => _movesPerPlan.GetValueOrDefault(layer);

    /// <summary>Makes a layer active, because its load is skewed.</summary>
    public void Wake(int layer) => _calm[layer] = 0;

    /// <summary>Counts a plan at which the load of an active layer was even; after so many in a row the layer becomes inactive.</summary>
    public void Calm(int layer, int enough)
    {
        if (++_calm[layer] >= enough)
        {
            _calm.Remove(layer);
        }
    }

    /// <summary>Records the moves of a layer in the plan of a step, also when there are none.</summary>
    public void Remember(long step, int layer, IReadOnlyCollection<ShardMove> moves)
    {
        _movesPerPlan[layer] = MovesPerPlan(layer) + (Recent * (moves.Count - MovesPerPlan(layer)));
        foreach (ShardMove move in moves)
        {
            _movedAt[(move.Layer, move.Expert)] = step;
        }
    }
}
