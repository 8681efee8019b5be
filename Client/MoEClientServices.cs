using Microsoft.Extensions.DependencyInjection;
using MoEActors.Native.Communication;

namespace MoEActors.Client;

/// <summary>Makes the SDK a service of a host that is an Orleans client or silo.</summary>
public static class MoEClientServices
{
    /// <summary>
    /// Adds <see cref="MoECluster"/>, which calls through the host's <see cref="IClusterClient"/>. Where the host is a silo as well, layers are
    /// called through its memory, and models may name its kinds of experts and gates.
    /// </summary>
    public static IServiceCollection AddMoEClient(this IServiceCollection services) =>
        services.AddSingleton(provider => new MoECluster(
            provider.GetRequiredService<IClusterClient>(), provider.GetService<ModelKinds>(), provider.GetService<CallerBuffers>()));
}
