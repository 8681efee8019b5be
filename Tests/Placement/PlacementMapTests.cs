using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Placement;

/// <summary>A placement map is valid or is not made; what it knows it says, what it does not know it refuses.</summary>
public sealed class PlacementMapTests
{
    private static readonly WorkerId[] Workers = [new("a@1", 0), new("a@1", 1), new("b@1", 0)];
    private static readonly int[][] Ranks = [[2, 0, 1, 0], [], [1, 1]];

    [Fact]
    public void A_map_knows_who_holds_what()
    {
        var map = new PlacementMap(7, Workers, Ranks);
        Assert.Equal((7L, 3), (map.Version, map.Layers));
        Assert.Equal(["0/0/0.0", "0/1/0.0", "0/2/0.0", "0/3/0.0", "2/0/0.0", "2/1/0.0"], map.Shards.Select(shard => shard.ToString()));
        Assert.Equal(Workers[2], map.WorkerOf(new ShardId(0, 0)));
        Assert.Equal([1, 3], map.ExpertsOn(0, 0));
        Assert.Empty(map.ExpertsOn(0, 2));
        Assert.Equal(1, map.RankOf(Workers[1]));
        Assert.Equal(-1, map.RankOf(new WorkerId("a@2", 0)));
        map.ValidateAgainst([4, 0, 2]);
    }

    [Fact]
    public void A_map_that_cannot_work_is_not_made()
    {
        (WorkerId[] Workers, int[][] Ranks, string Says)[] cases =
        [
            ([], Ranks, "no worker"),
            ([Workers[0], Workers[0]], [], "name it once"),
            (Workers, [[0], [0, 3]], "Layer 1, expert 1"),
            (Workers, [[-1]], "Layer 0, expert 0"),
        ];
        foreach ((WorkerId[] workers, int[][] ranks, string says) in cases)
        {
            Assert.Contains(says, Assert.Throws<PlacementException>(() => new PlacementMap(1, workers, ranks)).Message, StringComparison.Ordinal);
        }

        var map = new PlacementMap(1, Workers, Ranks);
        Assert.Throws<PlacementException>(() => map.ValidateAgainst([4, 0]));
        Assert.Throws<PlacementException>(() => map.ValidateAgainst([4, 0, 3]));
    }

    [Theory]
    [InlineData(3, 0, 0, 0), InlineData(-1, 0, 0, 0), InlineData(0, 4, 0, 0), InlineData(1, 0, 0, 0), InlineData(0, -1, 0, 0)]
    [InlineData(0, 0, 1, 0), InlineData(0, 0, 0, 1)]
    public void A_shard_that_the_map_does_not_know_is_refused(int layer, int expert, int replica, int slice) =>
        Assert.Throws<PlacementException>(() => new PlacementMap(1, Workers, Ranks).WorkerOf(new ShardId(layer, expert, replica, slice)));

    [Fact]
    public void A_map_is_not_changed_by_whoever_made_it()
    {
        WorkerId[] workers = [.. Workers];
        int[][] ranks = [[0, 1]];
        var map = new PlacementMap(1, workers, ranks);
        workers[0] = Workers[2];
        ranks[0][0] = 2;
        Assert.Equal(Workers[0], map.WorkerOf(new ShardId(0, 0)));
    }

    [Fact]
    public void A_map_survives_being_sent()
    {
        PlacementMap map = Travelled.Over(new PlacementMap(7, Workers, Ranks));
        Assert.Equal(7, map.Version);
        Assert.Equal(Workers, map.Workers);
        Assert.Equal(Ranks, Enumerable.Range(0, map.Layers).Select(layer => map.RanksOf(layer).ToArray()));
    }

    [Fact]
    public void Keys_of_grains_read_back_as_what_they_were_made_of()
    {
        var shard = new ShardId(3, 17, 1, 2);
        string expert = GrainKeys.Expert("my-model.1", shard);
        string gate = GrainKeys.Gate("my-model.1", 3, 5);

        Assert.Equal(("my-model.1/3/17/1.2", "my-model.1/3/gate/5"), (expert, gate));
        Assert.Equal(("my-model.1", shard), (GrainKeys.Model(expert), GrainKeys.Shard(expert)));
        Assert.True(GrainKeys.TryGate(gate, out int layer, out int rank));
        Assert.Equal(("my-model.1", 3, 5), (GrainKeys.Model(gate), layer, rank));
        Assert.False(GrainKeys.TryGate(expert, out _, out _));
        Assert.Equal([new ShardId(0, 9), new ShardId(1, 0), new ShardId(1, 0, 0, 1), shard], new[] { shard, new(1, 0, 0, 1), new(1, 0), new(0, 9) }.Order());
    }

    [Theory, InlineData(""), InlineData("m"), InlineData("m/"), InlineData("m/1/2"), InlineData("m/1/2/3"), InlineData("m/1/2/3.x"), InlineData("m/-1/2/0.0"), InlineData("m/gate/1")]
    public void A_key_that_is_no_shards_is_refused(string key)
    {
        Assert.False(GrainKeys.TryGate(key, out _, out _));
        Assert.Throws<FormatException>(() => GrainKeys.Shard(key));
    }

    [Theory, InlineData(""), InlineData("a/b"), InlineData("a b"), InlineData("é")]
    public void A_name_that_no_key_can_hold_is_refused(string model) =>
        Assert.Throws<InvalidRequestException>(() => GrainKeys.ValidateModelName(model));
}
