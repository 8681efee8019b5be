using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;

namespace Orleans.Hosting;

/// <summary>The services of silos and clients.</summary>
internal static class LocalServices
{
    public static void AddSilo(IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(Silo)))
        {
            return;
        }

        services.AddLogging();
        services.AddOptions();
        services.TryAddSingleton(_ => new LocalCluster());
        services.AddSingleton(provider =>
            provider.GetRequiredService<LocalCluster>().Admit(provider.GetRequiredService<IOptions<SiloOptions>>().Value.SiloName, provider));
        services.AddSingleton<ILocalSiloDetails, LocalSiloDetails>();
        services.AddSingleton<ISiloStatusOracle>(provider => provider.GetRequiredService<Silo>().Oracle);
        services.AddSingleton<IClusterClient>(provider => new ClusterClient(provider.GetRequiredService<Silo>().Dispatcher, provider));
        services.AddSingleton<IGrainFactory>(provider => provider.GetRequiredService<IClusterClient>());
        services.AddScoped<ActivationScope>();
        services.AddScoped<IGrainContext>(provider => provider.GetRequiredService<ActivationScope>().Context
            ?? throw new InvalidOperationException("There is no grain here; IGrainContext is for what grains are made with."));
        services.AddPlacementDirector<RandomPlacement, RandomPlacementDirector>();
        services.AddPlacementDirector<PreferLocalPlacement, PreferLocalPlacementDirector>();
        services.AddSingleton<IHostedService, SiloHostedService>();
    }

    public static void AddClient(IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(Silo) || service.ServiceType == typeof(IClusterClient)))
        {
            throw new InvalidOperationException("This host has a silo or a client already, and needs no client.");
        }

        services.AddOptions();
        services.TryAddSingleton(_ => new LocalCluster());
        services.AddSingleton<IClusterClient>(provider => provider.GetRequiredService<LocalCluster>().NewClient(
            provider,
            provider.GetRequiredService<IOptions<ClientMessagingOptions>>().Value.ResponseTimeout,
            new Lazy<IOutgoingGrainCallFilter[]>(() => [.. provider.GetServices<IOutgoingGrainCallFilter>()])));
        services.AddSingleton<IGrainFactory>(provider => provider.GetRequiredService<IClusterClient>());
    }
}
