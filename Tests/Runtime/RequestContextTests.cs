using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: the request context flows from caller to callee, onwards, and never back.</summary>
public sealed class RequestContextTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task It_flows_to_the_callee_and_onwards_and_not_back()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        (string first, string second) = (Gate.NewName(), Gate.NewName());
        PinnedPlacementDirector.Map[first] = silos.Silos[0].Address;
        PinnedPlacementDirector.Map[second] = silos.Silos[1].Address;

        RequestContext.Set("color", "red");
        string? seen = await silos.Client.GetGrain<IPinnedGrain>(first).Color(second);

        Assert.Equal("red>changed by the callee", seen);
        Assert.Equal("red", RequestContext.Get("color"));
        Assert.True(RequestContext.Remove("color"));
        Assert.Null(await silos.Client.GetGrain<IPinnedGrain>(first).Color(null));
    }
}
