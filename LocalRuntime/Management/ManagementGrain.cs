using Orleans.Hosting;

namespace Orleans.Runtime;

/// <summary>Knows what lives where.</summary>
internal sealed class ManagementGrain(LocalCluster cluster) : Grain, IManagementGrain
{
    private IEnumerable<Silo> Living =>
        cluster.Membership.Statuses(onlyActive: false).Keys.Select(address => cluster.Membership.Find(address)!).Where(silo => silo.IsAlive);

    public Task<Dictionary<SiloAddress, SiloStatus>> GetHosts(bool onlyActive = false) =>
        Task.FromResult(cluster.Membership.Statuses(onlyActive));

    public Task<SimpleGrainStatistic[]> GetSimpleGrainStatistics() => Task.FromResult(Count(null));

    public Task<SimpleGrainStatistic[]> GetSimpleGrainStatistics(SiloAddress[] hostsIds) => Task.FromResult(Count(hostsIds));

    public Task<DetailedGrainStatistic[]> GetDetailedGrainStatistics(string[]? types = null, SiloAddress[]? hostsIds = null) =>
        Task.FromResult<DetailedGrainStatistic[]>([.. List(hostsIds).Where(one => types is null || types.Contains(one.GrainType))]);

    public Task<int> GetTotalActivationCount() => Task.FromResult(List(null).Count());

    public ValueTask<SiloAddress?> GetActivationAddress(IAddressable reference) =>
        ValueTask.FromResult(cluster.Find(reference.GetGrainId())?.Silo.SiloAddress);

    public Task ForceActivationCollection(TimeSpan ageLimit)
    {
        foreach (Silo silo in Living)
        {
            silo.Collect(ageLimit);
        }

        return Task.CompletedTask;
    }

    private SimpleGrainStatistic[] Count(SiloAddress[]? silos) =>
    [
        .. List(silos).GroupBy(one => (one.GrainType, one.SiloAddress)).Select(group => new SimpleGrainStatistic
        {
            GrainType = group.Key.GrainType,
            SiloAddress = group.Key.SiloAddress,
            ActivationCount = group.Count(),
        }),
    ];

    private IEnumerable<DetailedGrainStatistic> List(SiloAddress[]? silos) =>
        from silo in Living
        where silos is null || silos.Contains(silo.SiloAddress)
        from activation in silo.Activations
        where activation.Class is not null
        orderby silo.SiloAddress, activation.GrainId
        select new DetailedGrainStatistic
        {
            GrainType = $"{activation.Class!.Class.FullName},{activation.Class.Class.Assembly.GetName().Name}",
            SiloAddress = silo.SiloAddress,
            GrainId = activation.GrainId,
        };
}
