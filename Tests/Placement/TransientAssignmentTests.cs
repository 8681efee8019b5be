using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Tests.Placement;

public sealed class TransientAssignmentTests
{
    private const int Experts = 16, Workers = 8;

    private static CopyCoefficients Costs { get; } = new() { Row = 1000, RowExchange = 100, Weights = 30_000, Gradient = 30_000 };

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_segment_has_one_server_and_no_worker_ends_above_the_start(int seed)
    {
        var random = new Random(seed);
        LayerPlacement placement = PlanningCase.Replicated(random, Experts, Workers);
        int[] counts = Counts(random);
        CopyCoefficients costs = Costs with { GradientPerSegment = seed % 2 == 0, MostCopies = 1 + (seed % 3), Latency = seed };
        TransientAssignment assignment = new(placement, costs);
        int[] servers = assignment.Assign(counts).ToArray();
        long[] times = Times(placement, costs, counts, servers, out int[] copies);
        Assert.Equal(times, assignment.WorkerTimes.ToArray());
        Assert.Equal(copies.Sum(), assignment.Copies);
        Assert.All(copies, own => Assert.InRange(own, 0, costs.MostCopies));
        for (int segment = 0; segment < servers.Length; segment++)
        {
            bool isEmpty = counts[(segment % Workers * Experts) + (segment / Workers)] == 0;
            Assert.True(isEmpty ? servers[segment] == TransientAssignment.None : servers[segment] is >= 0 and < Workers);
        }

        int[] start = new TransientAssignment(placement, Costs with { MostCopies = 0 }).Assign(counts).ToArray();
        Assert.All(start.Index().Where(one => one.Item >= 0), one => Assert.True(placement.Holds(one.Index / Workers, one.Item)));
        Assert.InRange(times.Max(), 0, Times(placement, costs, counts, start, out _).Max());

        // Repeatedly, on the same buffers, and by somebody else: the same answer.
        assignment.Assign(Counts(random));
        Assert.Equal(servers, assignment.Assign(counts));
        Assert.Equal(servers, new TransientAssignment(placement, costs).Assign(counts));
    }

    [Fact]
    public void A_hot_expert_is_levelled_and_a_workers_own_rows_stay_with_it()
    {
        // One expert has all rows, 64 of every source.
        LayerPlacement placement = LayerPlacement.OfSingles(4, [0, 1, 2, 3]);
        int[] counts = [.. Enumerable.Range(0, 16).Select(i => i % 4 == 0 ? 64 : 0)];
        TransientAssignment assignment = new(placement, new CopyCoefficients { Row = 1000, RowExchange = 100, Weights = 1000, Gradient = 500 });
        Assert.Equal([0, 1, 2, 3], assignment.Assign(counts)[..4]);
        Assert.Equal((3, 3), (assignment.Copies, assignment.Gradients));
        Assert.Equal([(64 * 1000) + (3 * 1500), (64 * 1000) + 1500, (64 * 1000) + 1500, (64 * 1000) + 1500], assignment.WorkerTimes.ToArray());
    }

    [Theory]
    [InlineData(40_000, 1)]
    [InlineData(65_000, 0)]
    public void A_copy_is_made_when_the_relief_is_worth_more(long weights, int copies)
    {
        // Two workers; the second is idle, and takes its own 64 rows of 1000 each if their time exceeds the copy's well enough.
        LayerPlacement placement = LayerPlacement.OfSingles(2, [0, 0]);
        TransientAssignment assignment = new(placement, new CopyCoefficients { Row = 1000, RowExchange = 0, Weights = weights, Gradient = 0 });
        assignment.Assign([64, 64, 64, 0]);
        Assert.Equal(copies, assignment.Copies);
    }

    [Fact]
    public void Even_load_makes_no_copy()
    {
        LayerPlacement placement = PlanningCase.Static(Experts, Workers);
        TransientAssignment assignment = new(placement, Costs with { Weights = 1, Gradient = 1 });
        assignment.Assign([.. Enumerable.Repeat(7, Experts * Workers)]);
        Assert.Equal(0, assignment.Copies);
    }

    [Fact]
    public void Nothing_is_allocated_once_it_is_built()
    {
        var random = new Random(1);
        LayerPlacement placement = PlanningCase.Replicated(random, Experts, Workers);
        TransientAssignment assignment = new(placement, Costs);
        int[][] rounds = [.. Enumerable.Range(0, 20).Select(_ => Counts(random))];
        assignment.Assign(rounds[0]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (int[] counts in rounds)
        {
            assignment.Assign(counts);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Counts_of_another_shape_are_refused()
    {
        TransientAssignment assignment = new(PlanningCase.Static(2, 2), Costs);
        Assert.Contains("3 counts", Assert.Throws<PlacementException>(() => assignment.Assign([1, 2, 3]).Length).Message);
    }

    /// <summary>By source, then expert: heavily skewed, some of them 0.</summary>
    private static int[] Counts(Random random)
    {
        long[] tokens = PlanningCase.Tokens(random, Experts);
        return [.. Enumerable.Range(0, Workers * Experts).Select(i => random.Next(0, 1 + (int)(tokens[i % Experts] / Workers)))];
    }

    private static long[] Times(LayerPlacement placement, CopyCoefficients costs, int[] counts, int[] servers, out int[] copies)
    {
        long[] times = new long[placement.Workers];
        int[] made = new int[placement.Workers];
        HashSet<(int, int)> known = [];
        for (int segment = 0; segment < servers.Length; segment++)
        {
            (int expert, int source, int rank) = (segment / placement.Workers, segment % placement.Workers, servers[segment]);
            if (rank < 0)
            {
                continue;
            }

            times[rank] += counts[(source * placement.Experts) + expert] * (costs.Row + (rank == source ? 0 : costs.RowExchange));
            if (!placement.Holds(expert, rank))
            {
                bool isFirst = known.Add((expert, rank));
                long copy = (isFirst ? costs.Weights + costs.Latency : 0) + (isFirst || costs.GradientPerSegment ? costs.Gradient : 0);
                times[rank] += copy;
                times[placement.RanksOf(expert)[0]] += copy;
                made[rank] += isFirst ? 1 : 0;
            }
        }

        copies = made;
        return times;
    }
}
