using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;

namespace Orleans.Hosting;

/// <summary>What Orleans does not have: the way into a cluster inside this process.</summary>
public static class LocalHostingExtensions
{
    /// <summary>Makes this silo one of <paramref name="cluster"/>. A name that is used again is a restart: same port, later generation.</summary>
    public static ISiloBuilder UseLocalCluster(this ISiloBuilder builder, LocalCluster cluster, string siloName)
    {
        builder.Services.Replace(ServiceDescriptor.Singleton(cluster));
        builder.Services.Configure<SiloOptions>(options => options.SiloName = siloName);
        return builder;
    }

    /// <summary>Makes this a client of <paramref name="cluster"/>.</summary>
    public static IClientBuilder UseLocalCluster(this IClientBuilder builder, LocalCluster cluster)
    {
        builder.Services.Replace(ServiceDescriptor.Singleton(cluster));
        return builder;
    }
}
