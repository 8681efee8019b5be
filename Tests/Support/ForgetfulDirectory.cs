using Microsoft.Extensions.DependencyInjection;
using MoEActors.Grains.Pinning;
using MoEActors.Silo.Embedded;
using Orleans.GrainDirectory;
using Orleans.Runtime.GrainDirectory;

namespace MoEActors.Tests.Support;

/// <summary>
/// Makes the grain directory lose an entry, as it may for a moment when a silo leaves: the activation lives on, and the next caller's silo begins
/// another one where the map says.
/// </summary>
internal static class ForgetfulDirectory
{
    /// <summary>Without this, silos remember by themselves where a grain was that they have called.</summary>
    public static void CacheNothing(ISiloBuilder silo) => silo.Services.AddSingleton<IGrainDirectoryCache, NoCache>();

    /// <summary>Makes the directory of our grains forget an activation.</summary>
    public static async Task ForgetAsync(EmbeddedSilos silos, GrainId grain)
    {
        var directory = silos.Silos[0].Services.GetRequiredKeyedService<IGrainDirectory>(MoEGrainDirectory.Name);
        GrainAddress? known = await directory.Lookup(grain);
        Assert.NotNull(known);
        await directory.Unregister(known);
        Assert.Null(await directory.Lookup(grain));
    }

    /// <summary>How many activations of a grain there are.</summary>
    public static async Task<int> ActivationsAsync(EmbeddedSilos silos, GrainId grain)
    {
        IManagementGrain management = silos.Client.GetGrain<IManagementGrain>(0);
        DetailedGrainStatistic[] live = await management.GetDetailedGrainStatistics(null, null, TestContext.Current.CancellationToken);
        return live.Count(one => one.GrainId == grain);
    }

    private sealed class NoCache : IGrainDirectoryCache
    {
        public IEnumerable<(GrainAddress ActivationAddress, int Version)> KeyValues => [];

        public void AddOrUpdate(GrainAddress value, int version)
        {
        }

        public bool Remove(GrainId key) => false;

        public bool Remove(GrainAddress key) => false;

        public void Clear()
        {
        }

        public bool LookUp(GrainId key, out GrainAddress result, out int version)
        {
            (result, version) = (null!, 0);
            return false;
        }
    }
}
