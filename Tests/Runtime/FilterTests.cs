using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: call filters see calls to grains and to grain services, beside the caller and beside the callee.</summary>
public sealed class FilterTests
{
    [Fact]
    public async Task They_count_calls_to_grains_and_to_services()
    {
        await using EmbeddedSilos silos = await RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = 2 });
        (EmbeddedSilo here, EmbeddedSilo there) = (silos.Silos[0], silos.Silos[1]);
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = there.Address;

        await here.Grains().GetGrain<IPinnedGrain>(key).Where();
        await here.Grains().GetGrain<IPinnedGrain>(key).Where();
        await here.Service<INoteServiceClient>().On(there.Address).Where();

        Assert.Equal(2, here.Service<CallCounter>().Outgoing["IPinnedGrain.Where"]);
        Assert.Equal(1, here.Service<CallCounter>().Outgoing["INoteService.Where"]);
        Assert.Equal(2, there.Service<CallCounter>().Incoming["IPinnedGrain.Where"]);
        Assert.Equal(1, there.Service<CallCounter>().Incoming["INoteService.Where"]);
        Assert.Empty(there.Service<CallCounter>().Outgoing);
        Assert.Empty(here.Service<CallCounter>().Incoming);
    }
}
