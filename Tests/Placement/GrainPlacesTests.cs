using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Pinning;
using MoEActors.Placement.Map;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Placement;

/// <summary>A silo answers where grains belong from the newest map it has been given, and throws rather than guess.</summary>
public sealed class GrainPlacesTests
{
    private static readonly WorkerId[] Workers = [new("a@1", 0), new("b@1", 0)];

    private readonly PlacementMapCache _maps = new();

    private GrainPlaces Places => new(_maps);

    [Fact]
    public void The_newest_map_wins_in_whatever_order_maps_arrive()
    {
        _maps.Install("m", Map(2, rank: 1));
        _maps.Install("m", Map(1, rank: 0));
        Assert.Equal(Workers[1], Places.WorkerOf("m/0/0/0.0"));
        _maps.Install("m", Map(3, rank: 0));
        Assert.Equal(Workers[0], Places.WorkerOf("m/0/0/0.0"));
        Assert.Equal(3, _maps.MapOf("m")!.Version);
    }

    [Fact]
    public void Gates_belong_beside_the_worker_of_their_rank()
    {
        _maps.Install("m", Map(1, rank: 0));
        Assert.Equal(Workers[1], Places.WorkerOf("m/0/gate/1"));
    }

    [Theory]
    [InlineData("other/0/0/0.0"), InlineData("m/0/1/0.0"), InlineData("m/1/0/0.0"), InlineData("m/0/0/1.0"), InlineData("m/0/gate/2")]
    [InlineData("m/1/gate/0"), InlineData("m/9/gate/0"), InlineData("m/what"), InlineData("m"), InlineData("")]
    public void What_no_map_knows_has_no_place(string key)
    {
        _maps.Install("m", new PlacementMap(1, Workers, [[0], []]));
        Assert.Throws<PlacementRefusedException>(() => Places.WorkerOf(key));
    }

    private static PlacementMap Map(long version, int rank) => new(version, Workers, [[rank]]);
}
