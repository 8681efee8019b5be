using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Tests.Placement;

public sealed class QuotaTests
{
    public static TheoryData<bool> Rules => [false, true];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Quotas_add_up_to_the_tokens_of_every_expert(bool reproducible) => PlanningCase.ForAll(random =>
    {
        int experts = random.Next(1, 30);
        LayerPlacement placement = PlanningCase.Replicated(random, experts, random.Next(1, 9));
        long[] tokens = PlanningCase.Tokens(random, experts);
        LayerQuotas quotas = Rule(reproducible).Split(placement, tokens);
        for (int expert = 0; expert < experts; expert++)
        {
            Assert.All(quotas.Of(expert).ToArray(), quota => Assert.True(quota >= 0));
            Assert.Equal(tokens[expert], quotas.Of(expert).ToArray().Sum());
        }

        Assert.Equal(tokens.Sum(), quotas.WorkerTokens.ToArray().Sum());
    });

    [Fact]
    public void No_split_of_tokens_gives_the_busiest_worker_less() => PlanningCase.ForAll(random =>
    {
        int experts = random.Next(1, 5);
        LayerPlacement placement = PlanningCase.Replicated(random, experts, random.Next(1, 5));
        long[] tokens = [.. Enumerable.Range(0, experts).Select(_ => (long)random.Next(0, 9))];
        Assert.Equal(PlanningCase.BruteForce(placement, tokens), new TokenQuotas().Split(placement, tokens).WorkerTokens.ToArray().Max());
    });

    [Fact]
    public void Tokens_find_their_way_along_a_chain_of_replicas()
    {
        // All load is on worker 0; each expert is also on the next worker.
        LayerPlacement chain = new(4, [[0], [0, 1], [1, 2], [2, 3]]);
        LayerQuotas quotas = new TokenQuotas().Split(chain, [100, 300, 0, 0]);
        Assert.Equal([200, 200, 0, 0], quotas.WorkerTokens.ToArray());
        quotas = new TokenQuotas().Split(chain, [100, 300, 300, 300]);
        Assert.Equal([250, 250, 250, 250], quotas.WorkerTokens.ToArray());
    }

    [Fact]
    public void Whole_micro_batches_come_within_one_part_of_the_best_split() => PlanningCase.ForAll(random =>
    {
        int experts = random.Next(1, 30);
        LayerPlacement placement = PlanningCase.Replicated(random, experts, random.Next(1, 9));
        long[] tokens = PlanningCase.Tokens(random, experts);
        long best = new TokenQuotas().Split(placement, tokens).WorkerTokens.ToArray().Max();
        long most = new MicroBatchQuotas().Split(placement, tokens).WorkerTokens.ToArray().Max();
        Assert.InRange(most, 0, best + (best / 1024) + ((tokens.Max() + 7) / 8) + 1);
    });

    [Fact]
    public void Each_micro_batch_goes_to_one_replica_of_its_expert() => PlanningCase.ForAll(random =>
    {
        int experts = random.Next(1, 10);
        LayerPlacement placement = PlanningCase.Replicated(random, experts, random.Next(1, 9));
        long[] parts = [.. Enumerable.Range(0, experts * 4).Select(_ => (long)random.Next(0, 100))];
        int[] replicas = new MicroBatchQuotas(4).Assign(placement, parts);
        Assert.Equal(parts.Length, replicas.Length);
        Assert.All(replicas, (replica, part) => Assert.InRange(replica, 0, placement.RanksOf(part / 4).Length - 1));
        Assert.Equal(replicas, new MicroBatchQuotas(4).Assign(placement, parts));
    });

    [Fact]
    public void A_split_refuses_counts_of_another_layer() =>
        Assert.Throws<PlacementException>(() => new MicroBatchQuotas(4).Assign(PlanningCase.Static(4, 2), new long[15]));

    [Fact]
    public void Splits_made_again_and_again_equal_new_ones_and_allocate_nothing() => PlanningCase.ForAll(
        random =>
        {
            const int Parts = 5;
            int experts = random.Next(1, 20);
            LayerPlacement placement = PlanningCase.Replicated(random, experts, random.Next(1, 9));
            TokenSplit split = new(placement);
            MicroBatchAssignment assignment = new(placement, Parts);
            for (int round = 0; round < 4; round++)
            {
                long[] tokens = PlanningCase.Tokens(random, experts);
                long[] parts = PlanningCase.Tokens(random, experts * Parts);
                Assert.Equal(new TokenSplit(placement).Split(tokens), split.Split(tokens));
                Assert.Equal(new MicroBatchQuotas(Parts).Assign(placement, parts), assignment.Assign(parts).ToArray());
            }

            long least = long.MaxValue;
            for (int call = 0; call < 10 && least > 0; call++)
            {
                long[] tokens = PlanningCase.Tokens(random, experts);
                long[] parts = PlanningCase.Tokens(random, experts * Parts);
                long before = GC.GetAllocatedBytesForCurrentThread();
                split.Split(tokens);
                assignment.Assign(parts);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.Equal(0, least);
        },
        cases: 20);

    [Fact]
    public void A_step_of_several_rounds_is_as_coarse_as_one_round()
    {
        // A round on two workers halves expert 0; in eighths it would come to 75 and 75.
        LayerPlacement placement = new(2, [[0, 1], [0]]);
        Assert.Equal([50, 100], new MicroBatchQuotas(8).Split(placement, [100, 50]).WorkerTokens.ToArray().Order());
    }

    private static IQuotaRule Rule(bool reproducible) => reproducible ? new MicroBatchQuotas() : new TokenQuotas();
}
