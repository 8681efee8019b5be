using FsCheck;
using FsCheck.Fluent;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;

namespace MoEActors.Tests.Placement;

/// <summary>The static placement covers everything, evenly, in order.</summary>
public sealed class StaticPlannerTests
{
    [Fact]
    public void Every_worker_holds_a_run_of_experts_and_no_two_differ_by_more_than_one()
    {
        Gen<(int Workers, int[] Experts)> cases =
            from workers in Gen.Choose(1, 20)
            from layers in Gen.Choose(0, 5)
            from experts in Gen.ArrayOf(Gen.Choose(0, 70), layers)
            select (workers, experts);
        Prop.ForAll(cases.ToArbitrary(), one => Check(one.Workers, one.Experts)).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithQuietOnSuccess(true));
    }

    [Fact]
    public void Without_a_worker_there_is_no_plan() =>
        Assert.Throws<PlacementException>(() => StaticPlanner.Plan(1, [], [4]));

    private static void Check(int count, int[] experts)
    {
        WorkerId[] workers = [.. Enumerable.Range(0, count).Select(i => new WorkerId($"s{i / 2}@1", i % 2))];
        PlacementMap map = StaticPlanner.Plan(3, workers, experts);
        map.ValidateAgainst(experts);
        Assert.Equal(3, map.Version);
        for (int layer = 0; layer < experts.Length; layer++)
        {
            int[] ranks = [.. map.RanksOf(layer)];
            Assert.Equal(ranks.Order(), ranks);
            int[] held = [.. Enumerable.Range(0, count).Select(rank => map.ExpertsOn(rank, layer).Count())];
            Assert.Equal(experts[layer], held.Sum());
            Assert.True(held.Max() - held.Min() <= 1, $"{experts[layer]} experts on {count} workers: {string.Join(" ", held)}.");
        }
    }
}
