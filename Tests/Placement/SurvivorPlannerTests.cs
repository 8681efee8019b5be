using FsCheck;
using FsCheck.Fluent;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;

namespace MoEActors.Tests.Placement;

/// <summary>Workers that go or come disturb no expert that need not move.</summary>
public sealed class SurvivorPlannerTests
{
    [Fact]
    public void What_stays_stays_what_was_lost_is_placed_and_newcomers_get_their_share() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            int old = random.Next(1, 6), experts = random.Next(1, 30);
            WorkerId[] before = [.. Enumerable.Range(0, old).Select(index => new WorkerId($"s{index}", 0))];
            int[][] ranks = [.. Enumerable.Range(0, experts).Select(_ => Enumerable.Range(0, old).OrderBy(_ => random.Next()).Take(random.Next(1, Math.Min(old, 2) + 1)).Order().ToArray())];
            var map = PlacementMap.OfReplicas(4, before, [ranks]);
            WorkerId[] stay = [.. before.Where(_ => random.Next(3) > 0)];
            WorkerId[] come = [.. Enumerable.Range(0, random.Next(stay.Length == 0 ? 1 : 0, 4)).Select(index => new WorkerId($"n{index}", 0))];
            WorkerId[] after = [.. stay.Concat(come).OrderBy(_ => random.Next())];

            PlacementMap plan = SurvivorPlanner.Plan(5, map, after);

            plan.ValidateAgainst([experts]);
            Assert.Equal(5, plan.Version);
            int share = experts / after.Length;
            foreach (WorkerId worker in come)
            {
                // More is impossible where all that the others hold are replicas.
                bool couldTake = Enumerable.Range(0, experts).Any(expert =>
                    plan.PlacementOf(0).RanksOf(expert).Length == 1 && Held(plan, plan.WorkerOf(new ShardId(0, expert))) > share + 1 && stay.Contains(plan.WorkerOf(new ShardId(0, expert))));
                Assert.True(Held(plan, worker) >= share || !couldTake, $"{worker} has {Held(plan, worker)} of {experts} experts among {after.Length} workers.");
            }

            foreach (WorkerId worker in stay)
            {
                int kept = Enumerable.Range(0, experts).Count(expert => map.Holds(worker, new ExpertId(0, expert)) && plan.Holds(worker, new ExpertId(0, expert)));
                Assert.True(kept >= Math.Min(Held(map, worker), share), $"{worker} kept {kept} of {Held(map, worker)} experts.");
            }

            if (come.Length == 0)
            {
                Assert.All(
                    Enumerable.Range(0, experts),
                    expert => Assert.All(stay, worker => Assert.True(plan.Holds(worker, new ExpertId(0, expert)) || !map.Holds(worker, new ExpertId(0, expert)))));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithQuietOnSuccess(true));

    [Fact]
    public void The_same_workers_keep_the_same_placement()
    {
        WorkerId[] workers = [new("a", 0), new("b", 0)];
        var map = PlacementMap.OfReplicas(1, workers, [[[1], [1], [0, 1]], []]);
        Assert.True(SurvivorPlanner.Plan(2, map, workers).IsPlacedAs(map));
    }

    private static int Held(PlacementMap map, WorkerId worker) => map.ExpertsOn(map.RankOf(worker), 0).Count();
}
