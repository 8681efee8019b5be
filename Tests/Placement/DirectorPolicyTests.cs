using System.Collections.Immutable;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Policy;
using MoEActors.Placement.Quotas;

namespace MoEActors.Tests.Placement;

public sealed class DirectorPolicyTests
{
    private readonly ImmutableArray<int> _slots = SpareSlots.Of(8, 4, 4);
    private readonly DirectorMemory _memory = new();
    private LayerPlacement _current = PlanningCase.Static(8, 4);

    [Fact]
    public void Even_load_moves_nothing() =>
        Assert.Empty(Plan(new DirectorOptions(), Even(0), Even(1)).Layers);

    [Fact]
    public void Skew_is_answered_at_once_and_the_plan_says_why()
    {
        LayerPlan plan = Assert.Single(Plan(new DirectorOptions(), Skewed(0)).Layers);
        Assert.True(plan.Ratio.After < plan.Ratio.Before);
        Assert.Contains("balance ratio", plan.Reason);
    }

    [Fact]
    public void A_plan_that_does_not_pay_within_its_horizon_is_dropped() =>
        Assert.Empty(Plan(new DirectorOptions { HorizonSteps = 0 }, Skewed(0)).Layers);

    [Fact]
    public void What_has_moved_is_left_alone_for_the_cool_down()
    {
        DirectorOptions options = new() { CoolDownSteps = 5 };
        LayerPlan first = Assert.Single(Plan(options, Skewed(0)).Layers);
        _current = first.Target;
        HashSet<int> moved = [.. first.Moves.Select(move => move.Expert)];
        LoadSample turned = new(3, [[.. Skewed(0).Tokens[0].Reverse()]]);
        Assert.All(Plan(options, turned).Layers, layer => Assert.DoesNotContain(layer.Moves, move => moved.Contains(move.Expert)));
        Assert.NotEmpty(Plan(options, new LoadSample(20, [.. turned.Tokens])).Layers);
    }

    [Fact]
    public void A_sudden_change_outweighs_the_steps_before_it()
    {
        LoadWindow window = new();
        window.Add(Skewed(0));
        window.Add(Skewed(1));
        LoadSample turned = new(2, [[.. Skewed(0).Tokens[0].Reverse()]]);
        window.Add(turned);
        Assert.Equal([1, 0, 0], window.Weights(0));
        Assert.Equal(turned.Tokens[0].Select(tokens => (double)tokens), window.Mean(0));
    }

    [Fact]
    public void A_window_refuses_samples_out_of_order_or_of_another_model()
    {
        LoadWindow window = new();
        window.Add(Even(4));
        Assert.Throws<PlacementException>(() => window.Add(Even(4)));
        Assert.Throws<PlacementException>(() => window.Add(new LoadSample(5, [new long[7]])));
        Assert.Throws<PlacementException>(() => new LoadSample(6, [[1, -1]]));
    }

    private PlacementPlan Plan(DirectorOptions options, params LoadSample[] samples)
    {
        LoadWindow window = new();
        foreach (LoadSample sample in samples)
        {
            window.Add(sample);
        }

        var costs = PlanningCase.Costs([.. _slots.Select(count => new WorkerCapacity("host", count))]);
        return new DirectorPolicy(new IncrementalPlanner(), options).Plan(window, [_current], [_slots], costs, new TokenQuotas(), _memory);
    }

    private static LoadSample Even(long step) => new(step, [[1010, 990, 1000, 1005, 995, 1000, 1003, 997]]);

    private static LoadSample Skewed(long step) => new(step, [[8000, 4000, 2000, 1000, 500, 250, 120, 60]]);
}
