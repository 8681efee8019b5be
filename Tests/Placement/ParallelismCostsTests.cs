using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Simulation;

namespace MoEActors.Tests.Placement;

public sealed class ParallelismCostsTests
{
    /// <summary>Every row takes 1 µs a pass, whatever its company.</summary>
    private static readonly Calibration Proportional = new([new ComputePoint(1, 1e-6)]);

    private static ParallelismChoice R(int slices, int overlap = 1, AllToAll exchange = AllToAll.Linear) => new(slices, overlap, exchange);

    [Fact]
    public void Expert_parallelism_costs_what_the_cost_model_of_placements_says()
    {
        CostModel costs = Costs(workers: 8, perHost: 4);
        Assert.Equal(costs.BalancedSeconds(8 * 4096), new ParallelismCosts(costs, experts: 8).StepSeconds(R(1), 4096), 12);
    }

    [Theory]
    [InlineData(AllToAll.Linear, 7)]
    [InlineData(AllToAll.Hierarchical, 3 + 1)]
    public void An_exchange_has_the_messages_of_its_formula(AllToAll algorithm, int messages)
    {
        CollectiveCosts costs = new(Topology(8, 4, 1e30, 1e30), new LinkCosts(0, 1, 1, double.PositiveInfinity));
        Assert.Equal(messages, costs.AllToAllSeconds(1, algorithm), 9);
    }

    [Fact]
    public void An_exchange_sends_the_bytes_of_its_formula()
    {
        const double Bytes = 8000;
        CollectiveCosts costs = new(Topology(8, 4, 100, 10), LinkCosts.None);
        Assert.Equal((3 * 1000 / 100.0) + (4 * 1000 / 10.0), costs.AllToAllSeconds(Bytes, AllToAll.Linear), 9);
        Assert.Equal((3 * 2000 / 100.0) + (4000 / 10.0), costs.AllToAllSeconds(Bytes, AllToAll.Hierarchical), 9);
        Assert.Equal((3 * 2000 / 100.0) + (1000 / 10.0), costs.GatherSeconds(Bytes, 8), 9);
        Assert.Equal(3 * 2000 / 100.0, costs.GatherSeconds(Bytes, 4), 9);
    }

    /// <summary>r* is about sqrt(H / (k · f · T)), which the rows a worker has and the hidden dimension alone decide: ALL bandwidths being equal.</summary>
    [Theory]
    [InlineData(4096, 256)]
    [InlineData(4096, 1024)]
    [InlineData(16_384, 256)]
    public void The_best_number_of_slices_is_that_of_the_formula(int hidden, int rows)
    {
        const int Workers = 64, Experts = 2, Dimension = 64;
        CostModel costs = new(
            new Calibration([new ComputePoint(1, 1e-30)]),
            new ShardSize(2L * Dimension * hidden * 4, 6L * Dimension * hidden * 4, Dimension * 4),
            Topology(Workers, Workers, 1e9, 1e9));
        ParallelismCosts parallelism = new(costs, Experts);
        int best = Enumerable.Range(1, Workers / Experts).MinBy(slices => parallelism.StepSeconds(R(slices), rows));
        Assert.InRange(best, Math.Sqrt((double)hidden / rows) - 1, Math.Sqrt((double)hidden / rows) + 1);
    }

    /// <summary>Weights travel less than tokens about when k · f · T is more than H · (E − 1).</summary>
    [Theory]
    [InlineData(0.8, 1)]
    [InlineData(1.2, 0)]
    public void Weights_are_gathered_where_the_formula_says_so(double part, int slices)
    {
        const int Workers = 64, Experts = 8, Dimension = 64, Hidden = 128;
        long rows = (long)(part * Hidden * (Experts - 1));
        CostModel costs = new(
            new Calibration([new ComputePoint(1, 1e-30)]),
            new ShardSize(2L * Dimension * Hidden * 4, 6L * Dimension * Hidden * 4, Dimension * 4),
            Topology(Workers, Workers, 1e9, 1e9));
        ParallelismCosts parallelism = new(costs, Experts);
        Assert.Equal(slices, new[] { 0, 1 }.MinBy(r => parallelism.StepSeconds(R(r), rows)));
    }

    [Fact]
    public void An_uneven_load_slows_down_whoever_exchanges_tokens_alone()
    {
        ParallelismCosts costs = new(Costs(workers: 8, perHost: 4), experts: 8);
        Assert.Equal(costs.StepSeconds(R(0), 4096), costs.StepSeconds(R(0), 4096, busiest: 3));
        Assert.Equal(3 * costs.StepSeconds(R(1), 4096), costs.StepSeconds(R(1), 4096, busiest: 3), 9);
    }

    [Fact]
    public void Chunks_hide_the_shorter_of_exchange_and_experts_and_no_more()
    {
        const int Rows = 8000;
        CostModel costs = Costs(workers: 8, perHost: 8);
        ParallelismCosts parallelism = new(costs, experts: 8);
        double exchange = 4 * costs.Collectives.AllToAllSeconds(Rows * 1024.0, AllToAll.Linear), compute = 3 * Rows * 1e-6;
        Assert.Equal(exchange + compute, parallelism.StepSeconds(R(1), Rows), 12);
        foreach (int chunks in new[] { 2, 4, 8 })
        {
            double seconds = parallelism.StepSeconds(R(1, chunks), Rows);
            Assert.InRange(seconds, Math.Max(exchange, compute), exchange + compute);
            Assert.True(seconds < parallelism.StepSeconds(R(1, chunks / 2), Rows));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    public void A_cluster_has_from_1_to_4096_workers(int workers)
    {
        LayerShape shape = new(workers, 1, 1024, 1024, 4096, 1);
        ParallelismCosts costs = A100Cluster.Of(shape);
        Assert.All(A100Cluster.Choices(shape).All(), choice => Assert.InRange(costs.StepSeconds(choice, shape.Rows), 1e-6, 100));
    }

    private static CostModel Costs(int workers, int perHost) =>
        new(Proportional, new ShardSize(1 << 16, 3 << 16, 1 << 10), Topology(workers, perHost, 50e9, 10e9));

    private static ClusterTopology Topology(int workers, int perHost, double inHost, double between) =>
        new([.. Enumerable.Range(0, workers).Select(rank => new WorkerCapacity($"host {rank / perHost}", 1))], inHost, between);
}
