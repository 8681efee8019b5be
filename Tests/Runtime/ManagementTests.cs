using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: the management grain lists silos and activations.</summary>
public sealed class ManagementTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task It_lists_silos_and_activations()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = silos.Silos[2].Address;
        IPinnedGrain grain = silos.Client.GetGrain<IPinnedGrain>(key);
        await grain.Where();
        IManagementGrain management = silos.Client.GetGrain<IManagementGrain>(0);

        Dictionary<SiloAddress, SiloStatus> hosts = await management.GetHosts(onlyActive: true, TestContext.Current.CancellationToken);
        DetailedGrainStatistic[] grains = await management.GetDetailedGrainStatistics(null, null, TestContext.Current.CancellationToken);

        Assert.Equal(silos.Silos.Select(silo => silo.Address).ToHashSet(), [.. hosts.Keys]);
        DetailedGrainStatistic found = Assert.Single(grains, one => one.GrainId == grain.GetGrainId());
        Assert.Equal(silos.Silos[2].Address, found.SiloAddress);
        Assert.Equal($"{typeof(PinnedGrain).FullName},{typeof(PinnedGrain).Assembly.GetName().Name}", found.GrainType);
        Assert.Equal(silos.Silos[2].Address, await management.GetActivationAddress(grain, TestContext.Current.CancellationToken));
    }
}
