using Microsoft.Extensions.DependencyInjection;

namespace MoEActors.Client;

/// <summary>Makes the SDK a service of a host that is an Orleans client or silo.</summary>
public static class MoEClientServices
{
    /// <summary>Adds <see cref="MoECluster"/>, which calls through the host's <see cref="IClusterClient"/>.</summary>
    public static IServiceCollection AddMoEClient(this IServiceCollection services) =>
        services.AddSingleton(provider => new MoECluster(provider.GetRequiredService<IClusterClient>()));
}
