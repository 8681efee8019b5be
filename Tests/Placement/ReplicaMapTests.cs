using MoEActors.Placement.Map;

namespace MoEActors.Tests.Placement;

public sealed class ReplicaMapTests
{
    private static readonly WorkerId[] Workers = [new("a", 0), new("a", 1), new("b", 0)];

    private static readonly PlacementMap Map = new(7, Workers, [new LayerPlacement(3, [[2, 0], [1]]), new LayerPlacement(3, [])]);

    [Fact]
    public void Every_replica_is_a_shard_with_a_worker()
    {
        Assert.Equal([new ShardId(0, 0), new ShardId(0, 0, 1), new ShardId(0, 1)], Map.Shards);
        Assert.Equal([Workers[0], Workers[2], Workers[1]], Map.Shards.Select(Map.WorkerOf));
        Assert.Throws<PlacementException>(() => Map.WorkerOf(new ShardId(0, 1, 1)));
    }

    [Fact]
    public void Experts_are_found_by_their_home_and_on_every_rank_that_holds_them()
    {
        Assert.Equal([0, 1], Map.RanksOf(0));
        Assert.Equal([[0], [1], [0]], Enumerable.Range(0, 3).Select(rank => Map.ExpertsOn(rank, 0)));
        Assert.False(Map.PlacementOf(0).IsSingle);
    }

    [Fact]
    public void A_layer_of_another_cluster_is_refused() =>
        Assert.Throws<PlacementException>(() => new PlacementMap(1, Workers, [new LayerPlacement(2, [[0]])]));

    [Theory]
    [InlineData("placed nowhere")]
    [InlineData("two replicas on rank 1", 1, 1)]
    [InlineData("rank 3, which is no worker", 0, 3)]
    public void A_layer_that_cannot_work_is_refused(string words, params int[] ranks) =>
        Assert.Contains(words, Assert.Throws<PlacementException>(() => new LayerPlacement(3, (IReadOnlyList<IReadOnlyList<int>>)[ranks])).Message);
}
