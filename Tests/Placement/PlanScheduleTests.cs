using MoEActors.Placement.Map;
using MoEActors.Placement.Policy;

namespace MoEActors.Tests.Placement;

/// <summary>A plan is applied within its budget, over valid placements only, and wholly.</summary>
public sealed class PlanScheduleTests
{
    [Fact]
    public void Every_plan_is_applied_wholly_within_its_budget() => PlanningCase.ForAll(random =>
    {
        int workers = random.Next(1, 7);
        int shardsPerStep = random.Next(0, 5);
        LayerPlacement[] placements = [.. Enumerable.Range(0, 3).Select(_ => Any(random, workers, 6))];
        (int Layer, LayerPlacement Target)[] plan = [.. new[] { 2, 0 }.Select(layer => (layer, Any(random, workers, 6)))];
        var schedule = new PlanSchedule(plan, shardsPerStep);
        LayerPlacement untouched = placements[1];
        int steps = 0;
        while (!schedule.IsDone && steps++ < 200)
        {
            LayerPlacement[] before = [.. placements];
            schedule.Advance(placements);
            Assert.InRange(before.Zip(placements).Sum(pair => Arrivals(pair.First, pair.Second)), 0, Math.Max(1, shardsPerStep));
        }

        Assert.True(schedule.IsDone);
        Assert.Same(untouched, placements[1]);
        Assert.All(plan, layer => Assert.Equal(layer.Target, placements[layer.Layer]));
    });

    private static int Arrivals(LayerPlacement before, LayerPlacement after) =>
        Enumerable.Range(0, after.Experts).Sum(expert => after.RanksOf(expert).ToArray().Except(before.RanksOf(expert).ToArray()).Count());

    private static LayerPlacement Any(Random random, int workers, int experts) => new(workers, (IReadOnlyList<IReadOnlyList<int>>)
        [.. Enumerable.Range(0, experts).Select(_ => Enumerable.Range(0, workers).OrderBy(_ => random.Next()).Take(random.Next(1, workers + 1)).ToArray())]);
}
