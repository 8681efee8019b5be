using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Plans;

/// <summary>
/// Decides when a planner is asked and which of its answers are worth carrying out: trigger with hysteresis, cool-down, and a plan must pay
/// for itself within its horizon. Deterministic; what it must remember is handed to it.
/// </summary>
/// <param name="planner">The planner.</param>
/// <param name="options">How eager it is.</param>
public sealed class DirectorPolicy(IPlanner planner, DirectorOptions options)
{
    /// <summary>Standard errors by which the busiest worker must stand out before a layer wakes.</summary>
    private const double Significance = 3;

    /// <summary>Recent steps that predictions are made from.</summary>
    private const int PredictionSteps = 3;

    /// <summary>Makes a plan for all layers from the load of recent steps. O(layers · (planner + steps · quotas)).</summary>
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
            if (current[layer].Experts == 0 || !Wakes(layer, current[layer], load, quotas, memory))
            {
                continue;
            }

            LayerProblem problem = new()
            {
                Layer = layer,
                Current = current[layer],
                Slots = slots[layer],
                Load = load,
                Costs = costs,
                Quotas = quotas,
                Resting = [.. memory.MovedAfter(layer, step - options.CoolDownSteps)],
            };
            LayerPlacement target = planner.Plan(problem);
            if (!target.Equals(current[layer]) && Predict(problem, target) is { } plan && Pays(plan, problem))
            {
                plans.Add(plan);
                memory.Remember(step, plan.Moves);
            }
        }

        return new PlacementPlan(step, [.. plans.OrderByDescending(plan => plan.Gain / Math.Max(1, plan.Moves.Length)).ThenBy(plan => plan.Layer)]);
    }

    /// <summary>Predicts what a placement would do to recent steps. O(steps · quotas).</summary>
    public static LayerPlan Predict(LayerProblem problem, LayerPlacement target)
    {
        ImmutableArray<ShardMove> moves = PlacementMoves.Between(problem.Layer, problem.Current, target, problem.Costs.Topology);
        double[] weights = problem.Load.Weights(problem.Layer);
        double ratioBefore = 0, ratioAfter = 0, secondsBefore = 0, secondsAfter = 0, sum = 0;
        foreach ((int age, LoadSample sample) in problem.Load.Samples.Reverse().Take(PredictionSteps).Index().Where(sample => weights[sample.Index] > 0))
        {
            double weight = weights[age];
            sum += weight;
            LayerQuotas before = problem.Quotas.Split(problem.Current, sample.Tokens[problem.Layer]);
            LayerQuotas after = problem.Quotas.Split(target, sample.Tokens[problem.Layer]);
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

    /// <summary>Hysteresis: a layer wakes when its load is skewed beyond doubt, and rests when it has been level for long.</summary>
    private bool Wakes(int layer, LayerPlacement current, LoadWindow load, IQuotaRule quotas, DirectorMemory memory)
    {
        if (memory.IsAwake(layer))
        {
            bool level = quotas.Split(current, load.Newest.Tokens[layer]).BalanceRatio <= options.Settled;
            if (!level)
            {
                memory.Wake(layer);
            }
            else
            {
                memory.Calm(layer, options.CalmPlans);
            }

            return !level;
        }

        WorkerSkew skew = WorkerSkew.Of(layer, current, load, quotas);
        if (skew.Ratio <= Math.Max(options.Trigger + (options.Caution / load.Samples.Count), 1 + (Significance * skew.StandardError)))
        {
            return false;
        }

        memory.Wake(layer);
        return true;
    }

    private bool Pays(LayerPlan plan, LayerProblem problem) =>
        plan.Gain * options.HorizonSteps > plan.MoveSeconds && !plan.Moves.Any(move => problem.Resting.Contains(move.Expert));
}
