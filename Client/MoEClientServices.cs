using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MoEActors.Native.Communication;

namespace MoEActors.Client;

/// <summary>Makes the SDK a service of a host that is an Orleans client or silo.</summary>
public static class MoEClientServices
{
    /// <summary>
    /// Adds <see cref="MoECluster"/>, which calls through the host's <see cref="IClusterClient"/>. Where the host is a silo as well, layers are
    /// called through its memory, and models may name its kinds of experts and gates. When the host begins to stop, training and generation end with an
    /// <see cref="OperationCanceledException"/> behind the step at work; a web server would wait half a minute for a request that trains on. What else there
    /// is to do, such as a save, can still be done.
    /// </summary>
    public static IServiceCollection AddMoEClient(this IServiceCollection services) =>
        services.AddSingleton(provider => new MoECluster(
            provider.GetRequiredService<IClusterClient>(), provider.GetService<ModelKinds>(), provider.GetService<CallerBuffers>(),
            provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? default)
        {
            SiloNews = provider.GetService<ISiloNews>(),
        });
}
