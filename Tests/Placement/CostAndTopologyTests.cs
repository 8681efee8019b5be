using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Tests.Placement;

public sealed class CostAndTopologyTests
{
    [Fact]
    public void A_layer_takes_as_long_as_its_slowest_worker()
    {
        // Two hosts of one worker; worker 0: expert 0 alone and half of expert 1.
        LayerPlacement placement = new(2, [[0], [0, 1]]);
        CostModel costs = PlanningCase.Costs([new("a", 2), new("b", 2)]);
        LayerQuotas quotas = new TokenQuotas().Split(placement, [64, 64]);
        double[] seconds = costs.WorkerSeconds(quotas);
        double synchronisation = (double)(1 << 16) / 10e9;
        double exchange = 4 * 64 * 1024 / 10e9 / 2;
        Assert.Equal([(3 * 20e-6) + exchange + synchronisation, (3 * 20e-6) + exchange + synchronisation], seconds, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(seconds.Max(), costs.LayerSeconds(quotas));
    }

    [Fact]
    public void Compute_follows_the_measured_points()
    {
        Calibration calibration = new([new ComputePoint(64, 20e-6), new ComputePoint(1024, 200e-6)]);
        Assert.Equal([0, 10e-6, 20e-6, 110e-6, 400e-6], new long[] { 0, 32, 64, 544, 2048 }.Select(calibration.ForwardSeconds), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Moves_take_as_long_as_the_busiest_link()
    {
        CostModel costs = PlanningCase.Costs([new("a", 2), new("a", 2), new("b", 2)]);
        double state = 3 << 16;
        Assert.Equal(2 * state / 10e9, costs.MoveSeconds([new ShardMove(0, 0, 0, 2), new ShardMove(0, 1, 1, 2), new ShardMove(0, 2, 0, 1)]), 12);
    }

    [Fact]
    public void A_shard_is_copied_from_its_own_host_where_it_can()
    {
        ClusterTopology topology = new([new("a", 2), new("a", 2), new("b", 2), new("b", 2)], 50e9, 10e9);
        Assert.Equal(
            [new ShardMove(5, 0, 2, 3)],
            PlacementMoves.Between(5, new LayerPlacement(4, [[0, 2]]), new LayerPlacement(4, [[2, 3]]), topology));
    }

    [Fact]
    public void Memory_bounds_the_slots()
    {
        ClusterTopology topology = new([new("a", 4, MemoryBytes: 600), new("a", 4)], 1e9, 1e9);
        Assert.Equal([3, 4], topology.SlotsPerLayer([7, 0, 7], shardBytes: 100));
        Assert.Contains("Layer 2 has 8 experts", Assert.Throws<PlacementException>(() => topology.SlotsPerLayer([7, 0, 8], 100)).Message);
    }

    [Fact]
    public void A_topology_that_contradicts_itself_is_refused()
    {
        WorkerCapacity[] workers = [new("a", 1), new("b", 1)];
        Refused("names no worker", () => new ClusterTopology([], 1, 1));
        Refused("host a again", () => new ClusterTopology([.. workers, new("a", 1)], 1, 1));
        Refused("slots per layer is -1", () => new ClusterTopology([new("a", -1)], 1, 1));
        Refused("memory bytes is -5", () => new ClusterTopology([new("a", 1, -5)], 1, 1));
        Refused("in-host bandwidth is 0", () => new ClusterTopology(workers, 0, 1));
        Refused("exchange the two", () => new ClusterTopology(workers, 1, 2));
        Refused("rows must ascend", () => new Calibration([new ComputePoint(8, 1), new ComputePoint(8, 2)]));
        Refused("no measured forward time", () => new Calibration([]));
        static void Refused(string words, Func<object> make) => Assert.Contains(words, Assert.Throws<PlacementException>(make).Message);
    }
}
