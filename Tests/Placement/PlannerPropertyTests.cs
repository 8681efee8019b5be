using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Policy;

namespace MoEActors.Tests.Placement;

public sealed class PlannerPropertyTests
{
    public static TheoryData<string> Policies => [.. PlannerCatalog.All.Select(planner => planner.Name)];

    [Theory]
    [MemberData(nameof(Policies))]
    public void Every_expert_is_covered_and_the_slots_are_respected(string policy) => PlanningCase.ForAll(random =>
    {
        LayerProblem problem = PlanningCase.Problem(random);
        LayerPlacement target = Planner(policy).Plan(problem);
        Assert.Equal(problem.Current.Experts, target.Experts);
        Assert.All(target.ShardsPerWorker(), (shards, rank) => Assert.InRange(shards, 0, problem.Slots[rank]));
        for (int expert = 0; expert < target.Experts; expert++)
        {
            // Distinct and existing ranks are what a LayerPlacement checks itself.
            Assert.NotEqual(0, target.RanksOf(expert).Length);
        }
    });

    [Theory]
    [MemberData(nameof(Policies))]
    public void The_same_problem_gets_the_same_plan(string policy) => PlanningCase.ForAll(
        random =>
        {
            int seed = random.Next();
            Assert.Equal(Planner(policy).Plan(PlanningCase.Problem(new Random(seed))), Planner(policy).Plan(PlanningCase.Problem(new Random(seed))));
        },
        cases: 20);

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_plan_that_is_carried_out_costs_less_than_the_static_placement_and_pays_for_itself(string policy) => PlanningCase.ForAll(random =>
    {
        LayerProblem problem = PlanningCase.Problem(random);
        PlacementPlan plan = PlanningCase.Eager(Planner(policy)).Plan(
            problem.Load, [problem.Current], [problem.Slots], problem.Costs, problem.Quotas, new DirectorMemory());
        Assert.All(plan.Layers, layer =>
        {
            Assert.True(layer.Seconds.After < layer.Seconds.Before, layer.Reason);
            Assert.True(layer.Gain * new DirectorOptions().HorizonSteps > layer.MoveSeconds, layer.Reason);
            Assert.All(layer.Moves, move => Assert.True(
                problem.Current.Holds(move.Expert, move.From) && !problem.Current.Holds(move.Expert, move.To) && layer.Target.Holds(move.Expert, move.To)));
        });
    });

    [Theory]
    [InlineData("expand-shrink")]
    [InlineData("incremental")]
    public void Experts_that_rest_stay_where_they_are(string policy) => PlanningCase.ForAll(random =>
    {
        LayerProblem problem = PlanningCase.Problem(random);
        int resting = random.Next(problem.Current.Experts);
        LayerPlacement target = Planner(policy).Plan(problem with { Resting = [resting] });
        Assert.Equal(problem.Current.RanksOf(resting).ToArray(), target.RanksOf(resting).ToArray());
    });

    [Fact]
    public void Incremental_planning_balances_heavy_skew_with_few_moves()
    {
        LayerProblem problem = Skewed();
        LayerPlacement target = Planner("incremental").Plan(problem);
        LayerPlan plan = DirectorPolicy.Predict(problem, target);
        Assert.True(plan.Ratio.Before > 3, plan.Reason);
        Assert.True(plan.Ratio.After < 1.02, plan.Reason);
        Assert.True(plan.Moves.Length <= 14, plan.Reason);

        // With the same load again there is next to nothing left to gain.
        LayerProblem again = problem with { Current = target };
        Assert.InRange(DirectorPolicy.Predict(again, Planner("incremental").Plan(again)).Moves.Length, 0, 2);
    }

    [Fact]
    public void A_cold_expert_makes_room_where_every_slot_is_taken()
    {
        // The only free slot is on the worker of the hot expert itself, where a replica is of no use.
        LayerProblem problem = Problem([60, 8, 8, 8, 8, 8], workers: 3, spare: 1);
        LayerPlan plan = DirectorPolicy.Predict(problem, Planner("incremental").Plan(problem));
        Assert.True(plan.Ratio.Before > 2, plan.Reason);
        Assert.True(plan.Ratio.After < 1.27, plan.Reason);
        Assert.Equal(2, plan.Target.RanksOf(0).Length);
        Assert.Equal(2, plan.Moves.Length);
    }

    [Fact]
    public void Replicas_go_to_the_experts_with_the_highest_load_per_replica() =>
        Assert.Equal([3, 1, 2, 1], ReplicaCounts.ByLoad([90, 10, 40, 5], slots: 7, most: 4));

    private static LayerProblem Skewed() =>
        Problem([.. Enumerable.Range(0, 32).Select(expert => (long)(10_000 / Math.Pow(expert + 1, 1.1)))], workers: 8, spare: 8);

    private static LayerProblem Problem(long[] tokens, int workers, int spare)
    {
        LoadWindow load = new();
        load.Add(new LoadSample(0, [tokens]));
        var slots = SpareSlots.Of(tokens.Length, workers, spare);
        return new LayerProblem
        {
            Layer = 0,
            Current = PlanningCase.Static(tokens.Length, workers),
            Slots = slots,
            Load = load,
            Costs = PlanningCase.Costs([.. slots.Select(count => new WorkerCapacity("host", count))]),
        };
    }

    private static IPlanner Planner(string policy) => PlannerCatalog.All.Single(planner => planner.Name == policy);
}
