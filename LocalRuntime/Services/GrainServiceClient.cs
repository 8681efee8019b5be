using Microsoft.Extensions.DependencyInjection;
using Orleans.Services;

namespace Orleans.Runtime.Services;

/// <summary>Calls the grain services of the cluster, from within a silo.</summary>
/// <typeparam name="TGrainService">The interface of the service.</typeparam>
public abstract class GrainServiceClient<TGrainService> : IGrainServiceClient<TGrainService>
    where TGrainService : IGrainService
{
    private readonly Silo _silo;

    /// <summary>From the silo that these services belong to.</summary>
    protected GrainServiceClient(IServiceProvider serviceProvider) => _silo = serviceProvider.GetRequiredService<Silo>();

    /// <summary>The grain that calls.</summary>
    protected GrainReference CurrentGrainReference => RuntimeContext.Current?.GrainReference!;

    /// <summary>The service on that silo.</summary>
    protected TGrainService GetGrainService(SiloAddress destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        GrainId id = GrainServiceIds.On(GrainServiceIds.TypeOf(typeof(TGrainService)), destination);
        return (TGrainService)(object)GrainReference.Create(_silo.Dispatcher, GrainInterface.Of(typeof(TGrainService)), id, destination);
    }

    /// <summary>The service that is responsible for that grain.</summary>
    protected TGrainService GetGrainService(GrainId callingGrainId) => GetGrainService(callingGrainId.GetUniformHashCode());

    /// <summary>The service that is responsible for that key.</summary>
    protected TGrainService GetGrainService(uint key)
    {
        SiloAddress[] active = _silo.Cluster.Membership.ActiveAddresses;
        return GetGrainService(active[key % (uint)active.Length]);
    }
}
